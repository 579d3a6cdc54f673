#include "io/system_error.h"

#include <cstring>
#include <string>

#include "base/fail.h"

namespace torchkeep::io {
namespace {

std::string advice_for(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "free some space or choose another disk";
    case EACCES:
    case EPERM:
    case EROFS:
      return "check the permissions or choose another place";
    case EMFILE:
    case ENFILE:
      return "close some files or raise the limit of open files";
    case EISDIR:
      return "name a file";
    default:
      return "";
  }
}

ErrorCode code_for(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::not_found;
    case EISDIR:
      return ErrorCode::invalid_argument;
    default:
      return ErrorCode::io;
  }
}

// strerror_r is the GNU or the POSIX one, depending on the C library.
[[maybe_unused]] std::string message(const char* text, const char*) { return text; }
[[maybe_unused]] std::string message(int, const char* buffer) { return buffer; }

std::string description(int error) {
  char buffer[256] = "unknown error";
  std::string text = message(strerror_r(error, buffer, sizeof buffer), buffer);
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') {
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
  }
  return text;
}

}  // namespace

Place at_path(const std::filesystem::path& path) {
  Place place;
  place.path = path.string();
  return place;
}

void throw_system_error(const std::filesystem::path& path, std::string_view action, int error) {
  fail_at(code_for(error), at_path(path), advice_for(error), "cannot {}: {}", action,
          description(error));
}

}  // namespace torchkeep::io
