#include "cli/number_checks.h"

#include <cmath>
#include <string>

#include <fmt/format.h>

namespace torchkeep::cli {
namespace {

template <class Accepts>
CLI::Validator number_check(const char* expected, const char* type_name, Accepts accepts) {
  return CLI::Validator(
      [expected, accepts](std::string& text) {
        double number = 0.0;
        if (CLI::detail::lexical_cast(text, number) && std::isfinite(number) && accepts(number)) {
          return std::string();
        }
        return fmt::format("expected {}, got '{}'", expected, text);
      },
      type_name);
}

}  // namespace

CLI::Validator positive_number() {
  return number_check("a number above 0", "POSITIVE", [](double number) { return number > 0; });
}

CLI::Validator non_negative_number() {
  return number_check("a number from 0 up", "NONNEGATIVE",
                      [](double number) { return number >= 0; });
}

}  // namespace torchkeep::cli
