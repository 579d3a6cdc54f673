#include "format/pickle/python_data.h"

#include <utility>

#include "base/fail.h"
#include "format/pickle/text.h"

namespace torchkeep::pickle {
namespace {

bool is_pair(const Value& value) {
  return (value.is_list() || value.is_tuple()) && value.size() == 2;
}

// Python 2 writes an OrderedDict as a call with a list of pairs, Python 3 as one without arguments.
std::optional<Value> build_ordered_dict(const List& arguments, Budget& budget) {
  budget.charge(kDictCost);
  Dict dict(Dict::Type::ordered);
  if (arguments.empty()) return Value(std::move(dict));
  if (arguments.size() != 1 || !arguments[0].is_list()) return std::nullopt;
  for (const Value& pair : arguments[0].items()) {
    if (!is_pair(pair)) return std::nullopt;
    budget.charge(kEntryCost);
    check_key(pair[0], budget);
    dict.set(pair[0], pair[1]);
  }
  return Value(std::move(dict));
}

std::optional<Value> build_set(const List& arguments, Budget& budget) {
  budget.charge(kSequenceCost);
  if (arguments.empty()) return Value(Set{});
  if (arguments.size() != 1 || !(arguments[0].is_list() || arguments[0].is_tuple())) {
    return std::nullopt;
  }
  SetMembers members;
  members.add(arguments[0].items(), budget);
  return Value(Set{members.in_order()});
}

// Protocols 0 to 2 have no bytes: Python writes them as text of Latin-1.
std::optional<Value> build_bytes(const List& arguments, Budget& budget) {
  if (arguments.size() != 2 || !arguments[0].is_string() || !arguments[1].is_string()) {
    return std::nullopt;
  }
  const std::string& encoding = arguments[1].as_string();
  if (encoding != "latin1" && encoding != "latin-1") return std::nullopt;
  budget.charge(kTextCost + arguments[0].as_string().size());
  std::optional<std::string> bytes = latin1_from_utf8(arguments[0].as_string());
  if (!bytes) fail(ErrorCode::corrupt, "bytes written as text with a character above U+00FF");
  return Value(Bytes{std::move(*bytes)});
}

// copyreg.__newobj_ex__(class, arguments, keyword arguments) is opcode NEWOBJ_EX for old protocols.
std::optional<Value> build_instance(const List& arguments, Budget& budget) {
  if (arguments.size() != 3 || !arguments[1].is_tuple() || !arguments[2].is_dict()) {
    return std::nullopt;
  }
  budget.charge(kObjectCost);
  Object instance = Object::instance(arguments[0], arguments[1]);
  instance.keyword_arguments = arguments[2];
  return Value(std::move(instance));
}

}  // namespace

std::optional<Value> build_python_data(const Object& callee,
                                       const List& arguments,
                                       Budget& budget) {
  if (callee.form() != Object::Form::global) return std::nullopt;
  if (callee.is_global("collections", "OrderedDict")) return build_ordered_dict(arguments, budget);
  if (callee.is_global("builtins", "set")) return build_set(arguments, budget);
  if (callee.is_global("_codecs", "encode")) return build_bytes(arguments, budget);
  if (callee.is_global("copyreg", "__newobj_ex__")) return build_instance(arguments, budget);
  if (callee.is_global("builtins", "bytes") && arguments.empty()) {
    budget.charge(kTextCost);
    return Value(Bytes{});
  }
  return std::nullopt;
}

void check_key(const Value& key, Budget& budget) {
  constexpr std::size_t kMaxParts = 100'000;
  std::size_t parts = 1;
  std::vector<const Value*> pending = {&key};
  while (!pending.empty()) {
    const Value& part = *pending.back();
    pending.pop_back();
    if (part.is_list() || part.is_dict() || part.is_set()) {
      fail(ErrorCode::corrupt, "a {} cannot be a dict key", name(part.kind()));
    }
    if (&part != &key) {  // a key inside a tuple is copied when it is compared
      budget.charge(kItemCost);
      if (part.is_string()) budget.charge(part.as_string().size());
      if (part.is_bytes()) budget.charge(part.as_bytes().size());
    }
    if (!part.is_tuple()) continue;
    parts += part.size();
    if (parts > kMaxParts) fail(ErrorCode::unsafe, "a dict key of more than {} parts", kMaxParts);
    for (const Value& item : part.as_tuple()) pending.push_back(&item);
  }
}

void SetMembers::add(List items, Budget& budget) {
  budget.charge(items.size() * kEntryCost);
  for (Value& item : items) {
    check_key(item, budget);
    if (index_.find(item) != nullptr) continue;
    index_.set(item, Value());
    in_order_.push_back(std::move(item));
  }
}

}  // namespace torchkeep::pickle
