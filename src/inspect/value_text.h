// Values in texts for people.
#pragma once

#include <string>
#include <string_view>

#include <torchkeep/value.h>

namespace torchkeep::inspection {

// One line that is safe for a terminal; long values end in "...".
std::string line_of(const Value& value);

// A number with as many digits as tell it apart at a glance: "0.00123", "1e-07", "nan".
std::string line_of(double number);

}  // namespace torchkeep::inspection
