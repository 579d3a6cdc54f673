#include <cmath>
#include <utility>

#include <torchkeep/state_dict.h>
#include <torchkeep/value.h>

#include "base/fail.h"
#include "data/numpy.h"

namespace torchkeep {
namespace {

// Containers whose last reference went away while another one is destroyed; null where none is. No
// object with a destructor: values may live longer than this thread's.
thread_local std::vector<std::shared_ptr<const void>>* waiting = nullptr;

// Destroys containers one after the other, because the destructor of a list in a list in a list
// would otherwise use up the stack.
void bury(std::shared_ptr<const void> container) noexcept {
  if (waiting != nullptr) {
    waiting->push_back(std::move(container));
    return;
  }
  std::vector<std::shared_ptr<const void>> graves;
  waiting = &graves;
  container.reset();
  while (!graves.empty()) {
    const std::shared_ptr<const void> next = std::move(graves.back());
    graves.pop_back();
  }
  waiting = nullptr;
}

constexpr bool is_container(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::list:
    case Value::Kind::tuple:
    case Value::Kind::dict:
    case Value::Kind::set:
    case Value::Kind::object:
      return true;
    default:
      return false;
  }
}

}  // namespace

Value::Value(const char* text) : Value(std::string(text)) {}
Value::Value(std::string_view text) : Value(std::string(text)) {}
Value::Value(std::string text)
    : Value(Kind::string, std::make_shared<std::string>(std::move(text))) {}
Value::Value(Bytes bytes) : Value(Kind::bytes, std::make_shared<Bytes>(std::move(bytes))) {}
Value::Value(List items) : Value(Kind::list, std::make_shared<List>(std::move(items))) {}
Value::Value(Tuple items) : Value(Kind::tuple, std::make_shared<Tuple>(std::move(items))) {}
Value::Value(Set items) : Value(Kind::set, std::make_shared<Set>(std::move(items))) {}
Value::Value(Dict dict) : Value(Kind::dict, std::make_shared<Dict>(std::move(dict))) {}
Value::Value(Tensor tensor) : Value(Kind::tensor, std::make_shared<Tensor>(std::move(tensor))) {}
Value::Value(Storage storage)
    : Value(Kind::storage, std::make_shared<Storage>(std::move(storage))) {}
Value::Value(Object object) : Value(Kind::object, std::make_shared<Object>(std::move(object))) {}

Value::Value(const StateDict& state_dict) {
  Dict dict(Dict::Type::ordered);
  for (const StateDict::Entry& entry : state_dict) dict.set(entry.name, entry.tensor);
  if (!state_dict.metadata().is_none()) {
    static const Value key("_metadata");
    Dict attributes;
    attributes.set(key, state_dict.metadata());
    dict.set_attributes(std::move(attributes));
  }
  *this = std::move(dict);
}

Value& Value::operator=(const Value& other) {
  if (this != &other) *this = Value(other);
  return *this;
}

Value& Value::operator=(Value&& other) noexcept {
  if (this != &other) {
    const Value old(std::move(*this));
    kind_ = std::exchange(other.kind_, Kind::none);
    scalar_ = other.scalar_;
    held_ = std::move(other.held_);
  }
  return *this;
}

void Value::release() noexcept {
  if (is_container(kind_) && held_.use_count() == 1) bury(std::move(held_));
}

void Value::throw_int_overflow() {
  fail(ErrorCode::invalid_argument, "the integer does not fit into 64 bits with a sign");
}

void Value::throw_wrong_kind(std::string_view wanted) const {
  fail(ErrorCode::mismatch, "expected {}, got {}", wanted, name(kind()));
}

bool Value::as_bool() const {
  if (!is_bool()) throw_wrong_kind("bool");
  return scalar_ != 0;
}

std::int64_t Value::as_int() const {
  if (is_int() || is_bool()) return scalar_;
  if (is_object()) {
    if (const auto number = number_from_numpy(as_object())) return number->as_int();
  }
  if (!is_double() && !(is_tensor() && as_tensor().numel() == 1)) throw_wrong_kind("int");
  const double number = as_double();
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  if (std::floor(number) != number || number < -kLimit || number >= kLimit) {
    fail(ErrorCode::mismatch, "expected a whole number, got {}", number);
  }
  return static_cast<std::int64_t>(number);
}

double Value::as_double() const {
  if (is_double()) return std::bit_cast<double>(scalar_);
  if (is_int() || is_bool()) return static_cast<double>(scalar_);
  if (is_tensor() && as_tensor().numel() == 1) return as_tensor().item_as_double();
  if (is_object()) {
    if (const auto number = number_from_numpy(as_object())) return number->as_double();
  }
  throw_wrong_kind("float");
}

const std::string& Value::as_string() const& {
  if (!is_string()) throw_wrong_kind("str");
  return held<const std::string>();
}

const std::string& Value::as_bytes() const& {
  if (!is_bytes()) throw_wrong_kind("bytes");
  return held<const Bytes>().data;
}

List& Value::as_list() const& {
  if (!is_list()) throw_wrong_kind("list");
  return held<List>();
}

const List& Value::as_tuple() const& {
  if (!is_tuple()) throw_wrong_kind("tuple");
  return held<const Tuple>().items;
}

List& Value::as_set() const& {
  if (!is_set()) throw_wrong_kind("set");
  return held<Set>().items;
}

Dict& Value::as_dict() const& {
  if (!is_dict()) throw_wrong_kind("dict");
  return held<Dict>();
}

const Tensor& Value::as_tensor() const& {
  if (!is_tensor()) throw_wrong_kind("tensor");
  return held<const Tensor>();
}

const Storage& Value::as_storage() const& {
  if (!is_storage()) throw_wrong_kind("storage");
  return held<const Storage>();
}

Object& Value::as_object() const& {
  if (!is_object()) throw_wrong_kind("object");
  return held<Object>();
}

StateDict Value::as_state_dict() const {
  StateDict state_dict;
  const Dict& entries = as_dict();
  for (const auto& [key, value] : entries) {
    if (!key.is_string() || !value.is_tensor()) {
      fail_at(ErrorCode::mismatch, {.tensor = key.is_string() ? key.as_string() : to_string(key)},
              "is the state dict below another key of this file?",
              "expected a state dict (names and tensors), got {} under a {} key",
              name(value.kind()), name(key.kind()));
    }
    state_dict.set(key.as_string(), value.as_tensor());
  }
  if (const Value* metadata = entries.attributes().find("_metadata")) {
    state_dict.set_metadata(*metadata);
  }
  return state_dict;
}

const Dict Value::as_dict() && { return std::as_const(*this).as_dict(); }
const Object Value::as_object() && { return std::as_const(*this).as_object(); }

const List& Value::items() const& {
  switch (kind()) {
    case Kind::list:
      return as_list();
    case Kind::tuple:
      return as_tuple();
    case Kind::set:
      return as_set();
    default:
      throw_wrong_kind("a list, tuple or set");
  }
}

std::size_t Value::size() const { return is_dict() ? as_dict().size() : items().size(); }

const Value& Value::operator[](std::string_view key) const& {
  const Dict& entries = as_dict();
  if (const Value* found = entries.find(key)) return *found;
  constexpr std::size_t kShown = 20;
  std::string keys;
  std::size_t shown = 0;
  for (const auto& entry : entries) {
    if (shown == kShown) break;
    keys += fmt::format("{}{}", shown++ ? ", " : "", to_string(entry.first));
  }
  if (entries.size() > kShown) keys += fmt::format(" and {} more", entries.size() - kShown);
  fail(ErrorCode::not_found, "no key '{}' (there are: {})", key, keys.empty() ? "none" : keys);
}

const Value& Value::operator[](std::size_t index) const& {
  const List& all = items();
  if (index >= all.size()) {
    fail(ErrorCode::not_found, "no item {} in a {} of {}", index, name(kind()), all.size());
  }
  return all[index];
}

const Value* Value::find(std::string_view key) const {
  return is_dict() ? as_dict().find(key) : nullptr;
}

std::string_view name(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::none:
      return "None";
    case Value::Kind::boolean:
      return "bool";
    case Value::Kind::integer:
      return "int";
    case Value::Kind::floating:
      return "float";
    case Value::Kind::string:
      return "str";
    case Value::Kind::bytes:
      return "bytes";
    case Value::Kind::list:
      return "list";
    case Value::Kind::tuple:
      return "tuple";
    case Value::Kind::dict:
      return "dict";
    case Value::Kind::set:
      return "set";
    case Value::Kind::tensor:
      return "tensor";
    case Value::Kind::storage:
      return "storage";
    case Value::Kind::object:
      return "object";
  }
  return "unknown";
}

namespace {

Value make_dict(Dict::Type type,
                std::initializer_list<std::pair<std::string_view, Value>> entries) {
  Dict dict(type);
  for (const auto& [key, value] : entries) dict.set(key, value);
  return dict;
}

}  // namespace

Value dict(std::initializer_list<std::pair<std::string_view, Value>> entries) {
  return make_dict(Dict::Type::plain, entries);
}

Value ordered_dict(std::initializer_list<std::pair<std::string_view, Value>> entries) {
  return make_dict(Dict::Type::ordered, entries);
}

Value list(std::initializer_list<Value> items) { return Value(List(items)); }
Value tuple(std::initializer_list<Value> items) { return Value(Tuple{List(items)}); }

}  // namespace torchkeep
