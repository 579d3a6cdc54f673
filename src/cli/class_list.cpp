#include "cli/class_list.h"

#include <charconv>
#include <string_view>

#include <CLI/Validators.hpp>

#include "base/fail.h"

namespace torchkeep::cli {
namespace {

constexpr std::int64_t kMaxClass = 100000;

std::int64_t parse_class(std::string_view text, const std::string& whole) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0 ||
      number > kMaxClass) {
    fail(ErrorCode::invalid_argument,
         "\"{}\" is no list of classes (expected such as 0-4 or 0,2,5)", whole);
  }
  return number;
}

}  // namespace

std::vector<std::int64_t> parse_classes(const std::string& text) {
  std::vector<std::int64_t> classes;
  std::string_view rest = text;
  while (true) {
    const std::string_view item = rest.substr(0, rest.find(','));
    const std::size_t dash = item.find('-');
    const std::int64_t first = parse_class(item.substr(0, dash), text);
    const std::int64_t last =
        dash == std::string_view::npos ? first : parse_class(item.substr(dash + 1), text);
    for (std::int64_t i = first; i <= last; ++i) classes.push_back(i);
    if (last < first) parse_class("", text);
    if (item.size() == rest.size()) return classes;
    rest.remove_prefix(item.size() + 1);
  }
}

CLI::Validator classes_validator() {
  const auto check = [](const std::string& text) -> std::string {
    try {
      parse_classes(text);
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  };
  return CLI::Validator(check, "CLASSES");
}

}  // namespace torchkeep::cli
