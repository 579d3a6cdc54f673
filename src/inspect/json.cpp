#include <cmath>
#include <string_view>
#include <unordered_map>

#include <torchkeep/inspect.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data/leaves.h"

namespace torchkeep {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostHexBytes = 64;

std::string hex_of(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes.substr(0, kMostHexBytes)) {
    hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  return hex;
}

// JSON has no numbers for the three.
Json json_of(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  return number;
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
      return json_of(value.as_double());
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

// A container is a leaf where it is empty and where it is inside itself.
Json json_of_leaf(const Value& leaf) {
  const bool is_container = leaf.is_dict() || leaf.is_list() || leaf.is_tuple() || leaf.is_set();
  return is_container && leaf.size() > 0 ? Json("...") : json_of_plain(leaf);
}

Json json_of(const TensorSummary& tensor) {
  Json json = {{"name", tensor.name},
               {"dtype", name(tensor.dtype)},
               {"shape", tensor.shape},
               {"bytes", tensor.bytes}};
  if (tensor.sha256) json["sha256"] = *tensor.sha256;
  return json;
}

// Two values have one name where a key holds a dot.
std::string distinct_name(const std::string& name, std::unordered_map<std::string, int>& uses) {
  const int use = ++uses[name];
  return use == 1 ? name : fmt::format("{}#{}", name, use);
}

}  // namespace

std::string to_json(const Summary& summary) {
  Json tensors = Json::array();
  for (const TensorSummary& tensor : summary.tensors) tensors.push_back(json_of(tensor));
  Json values = Json::object();
  std::unordered_map<std::string, int> uses;
  for (const auto& [name, value] : summary.values) {
    // The entry is appended: looking for its key would cost the number of entries.
    values.get_ref<Json::object_t&>().emplace_back(distinct_name(name, uses), json_of_leaf(value));
  }
  const Json document = {{"path", summary.path.string()},    {"format", summary.format},
                         {"file_bytes", summary.file_bytes}, {"tensors", std::move(tensors)},
                         {"values", std::move(values)},      {"globals", summary.globals}};
  // Text of a file need not be UTF-8.
  return document.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace torchkeep
