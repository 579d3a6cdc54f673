// Errors of the operating system as torchkeep's.
#pragma once

#include <cerrno>
#include <filesystem>
#include <string_view>

#include <torchkeep/error.h>

namespace torchkeep::io {

// The place that is a whole file.
Place at_path(const std::filesystem::path& path);

// Throws what errno says: not_found where a file is missing, invalid_argument where a directory
// stands in its place, io otherwise. `action` completes "cannot ...".
[[noreturn]] void throw_system_error(const std::filesystem::path& path,
                                     std::string_view action,
                                     int error = errno);

// Calls `call` again as long as a signal interrupts it.
template <class Call>
auto retry_interrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

}  // namespace torchkeep::io
