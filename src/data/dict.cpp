#include <bit>
#include <cmath>
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

}  // namespace

std::size_t Dict::KeyHash::operator()(std::string_view key) const { return SeededHash()(key); }

std::size_t Dict::KeyHash::operator()(std::int64_t key) const {
  return SeededHash()(static_cast<std::uint64_t>(key));
}

std::size_t Dict::position_of(const Value& key) const {
  const auto look_up = [this](const auto& map, const auto& k) {
    const auto found = map.find(k);
    return found == map.end() ? entries_.size() : found->second;
  };
  if (key.is_string()) return look_up(by_string_, std::string_view(key.as_string()));
  if (const auto number = as_int_key(key)) return look_up(by_int_, *number);
  return look_up(by_other_, encoded(key));
}

void Dict::index(std::size_t position) {
  const Value& key = entries_[position].first;
  if (key.is_string()) {
    by_string_[key.as_string()] = position;
  } else if (const auto number = as_int_key(key)) {
    by_int_[*number] = position;
  } else {
    by_other_[encoded(key)] = position;
  }
}

const Value* Dict::find(std::string_view key) const {
  const auto found = by_string_.find(key);
  return found == by_string_.end() ? nullptr : &entries_[found->second].second;
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
  index(position);
}

bool Dict::erase(std::string_view key) {
  const auto found = by_string_.find(key);
  if (found == by_string_.end()) return false;
  std::vector<Entry> kept = std::move(entries_);
  kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(found->second));
  Value attributes = std::move(attributes_);
  clear();
  attributes_ = std::move(attributes);
  entries_ = std::move(kept);
  for (std::size_t i = 0; i < entries_.size(); ++i) index(i);
  return true;
}

void Dict::clear() {
  by_string_.clear();
  by_int_.clear();
  by_other_.clear();
  entries_.clear();
  attributes_ = Value();
}

}  // namespace torchkeep
