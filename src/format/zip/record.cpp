#include "format/zip/record.h"

#include <algorithm>

#include "base/fail.h"
#include "base/printable.h"
#include "base/utf8.h"

namespace torchkeep::zip {
namespace {

bool is_control(char c) {
  const auto code = static_cast<unsigned char>(c);
  return code < 0x20 || code == 0x7F;
}

std::string_view problem_with(std::string_view name) {
  if (name.empty()) return "is empty";
  if (!is_utf8(name)) return "is not UTF-8";
  if (std::any_of(name.begin(), name.end(), is_control)) return "has a control character";
  if (name.find('\\') != std::string_view::npos) return "has a backslash";
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    if (part.empty()) return "is absolute, is a directory or has an empty part";
    if (part == "..") return "leads out of the archive";
    begin = end + 1;
  }
  return "";
}

}  // namespace

void check_record_name(std::string_view name) {
  const std::string_view problem = problem_with(name);
  if (!problem.empty()) {
    fail(ErrorCode::unsafe, "the name of a record {}: \"{}\"", problem, printable(name));
  }
}

}  // namespace torchkeep::zip
