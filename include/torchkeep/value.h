// What a pickle can hold: none, bool, int, float, string, bytes, list, tuple, dict, set, tensor,
// storage, or an object whose class torchkeep does not build.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <torchkeep/tensor.h>

namespace torchkeep {

class Dict;
class Object;
class StateDict;
class Value;

using List = std::vector<Value>;
struct Tuple;
struct Set;
struct Bytes;

// Turns a type of another library into a Value. Specialise it with a static member
// `Value to_value(const T&)`; torchkeep/convert.h does so for at::Tensor.
template <class T>
struct ToValue;

template <class T>
concept ConvertibleToValue = requires(const T& from) {
  { ToValue<T>::to_value(from) } -> std::same_as<Value>;
};

// A dynamically typed value. Containers, strings, tensors and objects are held by reference, as in
// Python: copying a Value is cheap, and both copies see a change to the list or dict they share.
// Not synchronised: a value that one thread changes must not be read by another.
//
// Nesting may be as deep as memory allows: nothing here recurses on it, destruction included.
class Value {
 public:
  enum class Kind {
    none,
    boolean,
    integer,
    floating,
    string,
    bytes,
    list,
    tuple,
    dict,
    set,
    tensor,
    storage,
    object
  };

  Value() = default;               // none
  template <std::same_as<bool> T>  // a template, so that no pointer becomes a bool
  Value(T value) : kind_(Kind::boolean), scalar_(value ? 1 : 0) {}
  template <std::integral T>
  requires(!std::same_as<T, bool>) Value(T value)
      : kind_(Kind::integer), scalar_(checked_int(value)) {}
  Value(double value) : kind_(Kind::floating), scalar_(std::bit_cast<std::int64_t>(value)) {}
  Value(const char* text);
  Value(std::string_view text);
  Value(std::string text);
  Value(Bytes bytes);
  Value(List items);
  Value(Tuple items);
  Value(Set items);
  Value(Dict dict);
  Value(const StateDict& state_dict);  // an OrderedDict with its _metadata, as Python's
  Value(Tensor tensor);
  Value(Storage storage);
  Value(Object object);
  template <ConvertibleToValue T>
  Value(const T& other) : Value(ToValue<T>::to_value(other)) {}

  Value(const Value&) = default;
  Value(Value&& other) noexcept
      : kind_(std::exchange(other.kind_, Kind::none)),
        scalar_(other.scalar_),
        held_(std::move(other.held_)) {}
  Value& operator=(const Value& other);
  Value& operator=(Value&& other) noexcept;
  ~Value() {
    if (held_ != nullptr) release();
  }

  Kind kind() const { return kind_; }
  bool is_none() const { return kind() == Kind::none; }
  bool is_bool() const { return kind() == Kind::boolean; }
  bool is_int() const { return kind() == Kind::integer; }
  bool is_double() const { return kind() == Kind::floating; }
  bool is_number() const { return is_int() || is_double(); }
  bool is_string() const { return kind() == Kind::string; }
  bool is_bytes() const { return kind() == Kind::bytes; }
  bool is_list() const { return kind() == Kind::list; }
  bool is_tuple() const { return kind() == Kind::tuple; }
  bool is_dict() const { return kind() == Kind::dict; }
  bool is_set() const { return kind() == Kind::set; }
  bool is_tensor() const { return kind() == Kind::tensor; }
  bool is_storage() const { return kind() == Kind::storage; }
  bool is_object() const { return kind() == Kind::object; }

  // Each throws mismatch, naming both kinds, if the value is of another kind.
  bool as_bool() const;
  // Also a bool, a whole float, a one-element tensor that holds one, or a number of NumPy.
  std::int64_t as_int() const;
  double as_double() const;  // also an int or a bool, a tensor of one element, a number of NumPy
  const std::string& as_string() const&;
  const std::string& as_bytes() const&;
  List& as_list() const&;
  const List& as_tuple() const&;
  List& as_set() const&;
  Dict& as_dict() const&;
  const Tensor& as_tensor() const&;
  const Storage& as_storage() const&;
  Object& as_object() const&;
  // Of a temporary value, by value: nothing dangles in `for (... : load(path).as_dict())`.
  std::string as_string() && { return std::as_const(*this).as_string(); }
  std::string as_bytes() && { return std::as_const(*this).as_bytes(); }
  const List as_list() && { return std::as_const(*this).as_list(); }
  const List as_tuple() && { return std::as_const(*this).as_tuple(); }
  const List as_set() && { return std::as_const(*this).as_set(); }
  const Dict as_dict() &&;
  Tensor as_tensor() && { return std::as_const(*this).as_tensor(); }
  Storage as_storage() && { return std::as_const(*this).as_storage(); }
  const Object as_object() &&;
  // The dict as a state dict. Throws mismatch naming the key whose value is not a tensor.
  StateDict as_state_dict() const;

  // The items of a list, tuple or set; throws mismatch for other kinds.
  const List& items() const&;
  const List items() && { return std::as_const(*this).items(); }
  // The number of items or entries; throws mismatch for a value without.
  std::size_t size() const;

  // The value under a key of a dict. Throws not_found, listing the keys there are.
  const Value& operator[](std::string_view key) const&;
  const Value& operator[](const char* key) const& { return (*this)[std::string_view(key)]; }
  Value operator[](std::string_view key) && { return std::as_const(*this)[key]; }
  Value operator[](const char* key) && { return std::as_const(*this)[key]; }
  // The item of a list or tuple. Throws not_found past the end.
  const Value& operator[](std::size_t index) const&;
  template <std::integral T>
  const Value& operator[](T index) const& {
    return (*this)[static_cast<std::size_t>(index)];
  }
  template <std::integral T>
  Value operator[](T index) && {
    return std::as_const(*this)[static_cast<std::size_t>(index)];
  }
  // The value under a key; null if the value is not a dict or has no such key.
  const Value* find(std::string_view key) const;
  bool contains(std::string_view key) const { return find(key) != nullptr; }

  // The address of what is held by reference: equal for two values that are one Python object.
  // Null for none, bool, int and float.
  const void* identity() const { return held_.get(); }
  // Whether other values hold the same.
  bool is_shared() const { return held_.use_count() > 1; }

 private:
  template <class T>
  static std::int64_t checked_int(T value) {
    if constexpr (std::is_unsigned_v<T> && sizeof(T) >= sizeof(std::int64_t)) {
      if (value > static_cast<T>(INT64_MAX)) throw_int_overflow();
    }
    return static_cast<std::int64_t>(value);
  }
  [[noreturn]] static void throw_int_overflow();
  [[noreturn]] void throw_wrong_kind(std::string_view wanted) const;
  void release() noexcept;

  template <class T>
  Value(Kind kind, std::shared_ptr<T> held) : kind_(kind), held_(std::move(held)) {}
  template <class T>
  T& held() const {
    return *static_cast<T*>(const_cast<void*>(held_.get()));
  }

  Kind kind_ = Kind::none;
  std::int64_t scalar_ = 0;  // of a bool or int; the bits of a float
  // All kinds but none, bool, int and float: what is held. A string, bytes, tuple, tensor or
  // storage is never changed.
  std::shared_ptr<const void> held_;
};

struct Bytes {
  std::string data;
};
struct Tuple {
  List items;
};
struct Set {
  List items;  // in the order of the file
};

// The name of a kind in messages: "dict", "int", ...
std::string_view name(Value::Kind kind);

// Builders. A dict keeps the order in which it was written.
Value dict(std::initializer_list<std::pair<std::string_view, Value>> entries);
Value ordered_dict(std::initializer_list<std::pair<std::string_view, Value>> entries);
Value list(std::initializer_list<Value> items);
Value tuple(std::initializer_list<Value> items);

// True if both have the same kinds, keys in the same order, and values; tensors by their elements.
bool equal(const Value& a, const Value& b);

struct PrintOptions {
  std::size_t max_depth = 8;     // deeper containers are written as "..."
  std::size_t max_items = 1000;  // of each container; the rest is counted
};
// Python's notation; a tensor as `tensor(float32 [2, 3])`.
std::string to_string(const Value& value, const PrintOptions& options = {});

}  // namespace torchkeep

#include <torchkeep/dict.h>
#include <torchkeep/object.h>
