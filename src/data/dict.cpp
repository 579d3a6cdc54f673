#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>
#include <unordered_map>
#include <utility>

#include <torchkeep/dict.h>

#include "base/fail.h"
#include "base/seeded_hash.h"

namespace torchkeep {
namespace {

constexpr int kMaxKeyDepth = 16;  // of tuples in tuples

// As in Python True == 1 == 1.0, so that they are one key.
std::optional<std::int64_t> as_int_key(const Value& key) {
  if (key.is_int()) return key.as_int();
  if (key.is_bool()) return key.as_bool() ? 1 : 0;
  if (key.is_double()) {
    const double number = key.as_double();
    if (std::floor(number) == number && std::abs(number) < 9.2e18) {
      return static_cast<std::int64_t>(number);
    }
  }
  return std::nullopt;
}

void append_sized(std::string& out, char tag, std::string_view bytes) {
  out += tag;
  out += std::to_string(bytes.size());
  out += ':';
  out += bytes;
}

// Different keys get different texts: every part carries its length.
void encode_key(const Value& key, std::string& out, int depth) {
  if (depth > kMaxKeyDepth) {
    fail(ErrorCode::invalid_argument, "a dict key nests tuples more than {} deep", kMaxKeyDepth);
  }
  if (const auto number = as_int_key(key)) {
    append_sized(out, 'i', std::to_string(*number));
    return;
  }
  switch (key.kind()) {
    case Value::Kind::none:
      out += 'n';
      return;
    case Value::Kind::floating:
      append_sized(out, 'f', std::to_string(std::bit_cast<std::uint64_t>(key.as_double())));
      return;
    case Value::Kind::string:
      append_sized(out, 's', key.as_string());
      return;
    case Value::Kind::bytes:
      append_sized(out, 'b', key.as_bytes());
      return;
    case Value::Kind::tuple:
      append_sized(out, 't', std::to_string(key.size()));
      for (const Value& item : key.as_tuple()) encode_key(item, out, depth + 1);
      return;
    case Value::Kind::object:
      if (key.as_object().form() == Object::Form::global) {
        append_sized(out, 'g', key.as_object().class_path());
      } else if (key.as_object().form() == Object::Form::big_int) {
        append_sized(out, 'I', key.as_object().digits());
      } else {  // its own identity, as Python's default hash
        append_sized(out, 'o', std::to_string(std::bit_cast<std::uintptr_t>(key.identity())));
      }
      return;
    case Value::Kind::tensor:
    case Value::Kind::storage:
      append_sized(out, 'o', std::to_string(std::bit_cast<std::uintptr_t>(key.identity())));
      return;
    default:
      fail(ErrorCode::invalid_argument, "a {} cannot be a dict key", name(key.kind()));
  }
}

std::string encoded(const Value& key) {
  std::string text;
  encode_key(key, text, 0);
  return text;
}

// Up to here comparing is quicker than hashing, and the memory of an index is not wasted.
constexpr std::size_t kFewEntries = 8;

}  // namespace

// Where the keys are.
class Dict::Index {
 public:
  static constexpr std::size_t kAbsent = SIZE_MAX;

  void add(const Value& key, std::size_t position) {
    if (key.is_string()) {
      by_string_.emplace(key.as_string(), position);
    } else if (const auto number = as_int_key(key)) {
      by_int_.emplace(*number, position);
    } else {
      by_other_.emplace(encoded(key), position);
    }
  }

  std::size_t find(std::string_view key) const { return look_up(by_string_, key); }
  std::size_t find(std::int64_t key) const { return look_up(by_int_, key); }
  std::size_t find_encoded(const std::string& key) const { return look_up(by_other_, key); }

 private:
  // Differs from process to process: no file can choose keys that collide.
  struct KeyHash {
    std::size_t operator()(std::string_view key) const { return SeededHash()(key); }
    std::size_t operator()(std::int64_t key) const {
      return SeededHash()(static_cast<std::uint64_t>(key));
    }
  };

  template <class Map, class Key>
  static std::size_t look_up(const Map& map, const Key& key) {
    const auto found = map.find(key);
    return found == map.end() ? kAbsent : found->second;
  }

  std::unordered_map<std::string_view, std::size_t, KeyHash> by_string_;  // views into the keys
  std::unordered_map<std::int64_t, std::size_t, KeyHash> by_int_;
  std::unordered_map<std::string, std::size_t, KeyHash> by_other_;  // by their injective encoding
};

Dict::Dict(Type type) : type_(type) {}
Dict::Dict(Dict&&) noexcept = default;
Dict& Dict::operator=(Dict&&) noexcept = default;
Dict::~Dict() = default;

// The views into the keys stay valid: a copy of a key shares its text.
Dict::Dict(const Dict& other)
    : type_(other.type_),
      entries_(other.entries_),
      index_(other.index_ ? std::make_unique<Index>(*other.index_) : nullptr),
      attributes_(other.attributes_) {}

Dict& Dict::operator=(const Dict& other) {
  if (this != &other) *this = Dict(other);
  return *this;
}

std::size_t Dict::position_of(std::string_view key) const {
  if (index_) return std::min(index_->find(key), entries_.size());
  const auto found = std::ranges::find_if(entries_, [key](const Entry& entry) {
    return entry.first.is_string() && entry.first.as_string() == key;
  });
  return static_cast<std::size_t>(found - entries_.begin());
}

std::size_t Dict::position_of(const Value& key) const {
  if (key.is_string()) return position_of(std::string_view(key.as_string()));
  const auto number = as_int_key(key);
  const std::string text = number ? "" : encoded(key);
  if (index_) {
    const std::size_t found = number ? index_->find(*number) : index_->find_encoded(text);
    return std::min(found, entries_.size());
  }
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    if (entry.first.is_string()) return false;
    const auto other = as_int_key(entry.first);
    return number || other ? number == other : encoded(entry.first) == text;
  });
  return static_cast<std::size_t>(found - entries_.begin());
}

const Value* Dict::find(std::string_view key) const {
  const std::size_t position = position_of(key);
  return position == entries_.size() ? nullptr : &entries_[position].second;
}

const Value* Dict::find(const Value& key) const {
  const std::size_t position = position_of(key);
  return position == entries_.size() ? nullptr : &entries_[position].second;
}

void Dict::set(Value key, Value value) {
  const std::size_t position = position_of(key);
  if (position < entries_.size()) {
    entries_[position].second = std::move(value);
    return;
  }
  entries_.emplace_back(std::move(key), std::move(value));
  if (index_) {
    index_->add(entries_.back().first, position);
  } else if (entries_.size() > kFewEntries) {
    build_index();
  }
}

bool Dict::erase(std::string_view key) {
  const std::size_t position = position_of(key);
  if (position == entries_.size()) return false;
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(position));
  if (index_) build_index();
  return true;
}

void Dict::build_index() {
  index_ = std::make_unique<Index>();
  for (std::size_t i = 0; i < entries_.size(); ++i) index_->add(entries_[i].first, i);
}

void Dict::clear() {
  index_.reset();
  entries_.clear();
  attributes_ = Value();
}

}  // namespace torchkeep
