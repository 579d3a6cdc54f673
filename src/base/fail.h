// Throwing an Error with a formatted message.
#pragma once

#include <utility>

#include <torchkeep/error.h>

#include <fmt/format.h>

namespace torchkeep {

template <class... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

// The same with a place and an advice.
template <class... Args>
[[noreturn]] void fail_at(ErrorCode code,
                          Place place,
                          std::string advice,
                          fmt::format_string<Args...> format,
                          Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...), std::move(place),
              std::move(advice));
}

}  // namespace torchkeep
