#include "cli/output.h"

#include <cerrno>
#include <csignal>
#include <string>
#include <system_error>

#include <torchkeep/error.h>

#include <fcntl.h>
#include <unistd.h>

namespace torchkeep::cli {
namespace {

// Returns 0 or the errno of the failure.
int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace

void guard_standard_streams() {
  std::signal(SIGPIPE, SIG_IGN);
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) != -1) continue;
    // Opened the wrong way round, so that using the closed stream still fails.
    const int opened = ::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    if (opened != descriptor && opened >= 0) ::close(opened);
  }
}

void write_output(std::string_view text) {
  const int error = write_all(STDOUT_FILENO, text);
  if (error == 0 || error == EPIPE) return;
  throw Error(ErrorCode::io, "cannot be written (" + std::generic_category().message(error) + ")",
              {.path = "standard output"});
}

void write_error(std::string_view message) {
  write_error_text("torchkeep: " + std::string(message) + "\n");
}

void write_error_text(std::string_view text) {
  // Where standard error cannot be written there is nobody left to tell.
  static_cast<void>(write_all(STDERR_FILENO, text));
}

}  // namespace torchkeep::cli
