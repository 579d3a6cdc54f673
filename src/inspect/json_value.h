// Values in JSON documents.
#pragma once

#include <string>

#include <torchkeep/value.h>

#include <nlohmann/json.hpp>

namespace torchkeep::inspection {

using Json = nlohmann::ordered_json;

// The number; "nan", "inf" and "-inf" as strings, for which JSON has no numbers.
Json json_of_number(double number);

// A leaf as visit_leaves() gives it. A container is a leaf where it is empty and where it is inside
// itself, which gives "...".
Json json_of_leaf(const Value& leaf);

// The document with line ends and indentation. Text of a file need not be UTF-8: what is not is
// replaced.
std::string write_json(const Json& document);

}  // namespace torchkeep::inspection
