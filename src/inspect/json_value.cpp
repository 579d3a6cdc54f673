#include "inspect/json_value.h"

#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "data/leaves.h"

namespace torchkeep::inspection {
namespace {

constexpr std::size_t kMostHexBytes = 64;

std::string hex_of(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes.substr(0, kMostHexBytes)) {
    hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  return hex;
}

Json json_of_plain(const Value& value);

Json json_of_items(const List& items) {
  Json array = Json::array();
  for (const Value& item : items) array.push_back(json_of_plain(item));
  return array;
}

Json json_of(const Object& object) {
  Json json = {{"class", object.class_path()}};
  if (object.form() == Object::Form::big_int) {
    const std::string most_significant_first(object.digits().rbegin(), object.digits().rend());
    json["hex"] = hex_of(most_significant_first);
  } else if (object.form() != Object::Form::global && has_plain_arguments(object)) {
    json["arguments"] = json_of_items(object.arguments().as_tuple());
  }
  return json;
}

// Of a value that holds few others: it recurses.
Json json_of_plain(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::none:
      return nullptr;
    case Value::Kind::boolean:
      return value.as_bool();
    case Value::Kind::integer:
      return value.as_int();
    case Value::Kind::floating:
      return json_of_number(value.as_double());
    case Value::Kind::string:
      return value.as_string();
    case Value::Kind::bytes:
      return {{"class", "bytes"},
              {"bytes", value.as_bytes().size()},
              {"hex", hex_of(value.as_bytes())}};
    case Value::Kind::storage:
      return {{"class", "storage"}, {"bytes", value.as_storage().size_bytes()}};
    case Value::Kind::object:
      return json_of(value.as_object());
    case Value::Kind::dict:
      return Json::object();
    default:
      return json_of_items(value.items());
  }
}

}  // namespace

Json json_of_number(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  return number;
}

Json json_of_leaf(const Value& leaf) {
  const bool is_container = leaf.is_dict() || leaf.is_list() || leaf.is_tuple() || leaf.is_set();
  return is_container && leaf.size() > 0 ? Json("...") : json_of_plain(leaf);
}

std::string write_json(const Json& document) {
  return document.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace torchkeep::inspection
