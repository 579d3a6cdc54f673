#include "cli/torch_program.h"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <unistd.h>

#include "base/fail.h"

namespace torchkeep::cli {
namespace {

constexpr const char* kProgramName = "torchkeep-torch";

std::filesystem::path own_directory() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) {
    fail_at(ErrorCode::io, {.path = "/proc/self/exe"}, "", "cannot be read ({})", error.message());
  }
  return program.parent_path();
}

}  // namespace

void start_torch_program(char** argv) {
  const std::filesystem::path here = own_directory();
  const std::filesystem::path installed = (here / TORCHKEEP_LIBEXEC).lexically_normal();
  for (const std::filesystem::path& directory : {here, installed}) {
    const std::filesystem::path program = directory / kProgramName;
    ::execv(program.c_str(), argv);
    if (errno == ENOENT) continue;
    fail_at(ErrorCode::io, {.path = program.string()}, "", "cannot be started ({})",
            std::generic_category().message(errno));
  }
  fail_at(ErrorCode::unsupported, {}, "build torchkeep with torchkeep_with_torch=ON",
          "the command '{}' needs LibTorch, and this torchkeep was built without it (no {} in {} "
          "or {})",
          argv[1], kProgramName, here.string(), installed.string());
}

}  // namespace torchkeep::cli
