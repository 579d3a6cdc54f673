// The steps that make plain data: numbers, text, containers.
#include <utility>

#include "base/fail.h"
#include "format/pickle/machine.h"
#include "format/pickle/number.h"
#include "format/pickle/python_data.h"
#include "format/pickle/text.h"

namespace torchkeep::pickle {

bool Machine::step_number(const Instruction& instruction) {
  switch (instruction.info->opcode) {
    case Opcode::none:
      stack_.push(Value());
      return true;
    case Opcode::newtrue:
      stack_.push(true);
      return true;
    case Opcode::newfalse:
      stack_.push(false);
      return true;
    case Opcode::binint:
    case Opcode::binint1:
    case Opcode::binint2:
      stack_.push(static_cast<std::int64_t>(instruction.number));
      return true;
    case Opcode::long1:
    case Opcode::long4:
      push_integer(instruction.text);
      return true;
    case Opcode::decimal_int:  // protocol 0 writes True and False as "01" and "00"
      if (instruction.text == "01" || instruction.text == "00") {
        stack_.push(instruction.text == "01");
      } else {
        push_decimal_integer(instruction.text);
      }
      return true;
    case Opcode::decimal_long: {
      std::string_view digits = instruction.text;
      if (digits.ends_with('L')) digits.remove_suffix(1);
      push_decimal_integer(digits);
      return true;
    }
    case Opcode::binfloat:
      stack_.push(instruction.real);
      return true;
    case Opcode::decimal_float:
      stack_.push(float_from_decimal(instruction.text));
      return true;
    default:
      return false;
  }
}

bool Machine::step_text(const Instruction& instruction) {
  switch (instruction.info->opcode) {
    case Opcode::binunicode:
    case Opcode::short_binunicode:
    case Opcode::binunicode8:
      push_text(instruction.text);
      return true;
    case Opcode::unicode:
      push_text(decode_raw_unicode_escape(instruction.text));
      return true;
    case Opcode::string:
      push_python2_text(unquote(instruction.text));
      return true;
    case Opcode::binstring:
    case Opcode::short_binstring:
      push_python2_text(instruction.text);
      return true;
    case Opcode::binbytes:
    case Opcode::short_binbytes:
    case Opcode::binbytes8:
      push_bytes(instruction.text);
      return true;
    case Opcode::bytearray8:
      push_bytearray(instruction.text);
      return true;
    default:
      return false;
  }
}

bool Machine::step_container(const Instruction& instruction) {
  switch (instruction.info->opcode) {
    case Opcode::empty_list:
      push_list({});
      return true;
    case Opcode::list:
      push_list(stack_.pop_to_mark());
      return true;
    case Opcode::empty_tuple:
      stack_.push(empty_tuple_);
      return true;
    case Opcode::tuple:
      push_tuple(stack_.pop_to_mark());
      return true;
    case Opcode::tuple1:
      push_short_tuple(1);
      return true;
    case Opcode::tuple2:
      push_short_tuple(2);
      return true;
    case Opcode::tuple3:
      push_short_tuple(3);
      return true;
    case Opcode::empty_dict:
      push_dict({});
      return true;
    case Opcode::dict:
      push_dict(stack_.pop_to_mark());
      return true;
    case Opcode::empty_set:
      budget_.charge(kSequenceCost);
      stack_.push(Set{});
      return true;
    case Opcode::frozenset:
      push_frozenset(stack_.pop_to_mark());
      return true;
    default:
      return false;
  }
}

bool Machine::step_filling(const Instruction& instruction) {
  switch (instruction.info->opcode) {
    case Opcode::append: {
      List items;
      items.push_back(stack_.pop());
      append(std::move(items));
      return true;
    }
    case Opcode::appends:
      append(stack_.pop_to_mark());
      return true;
    case Opcode::setitem: {
      List entry(2);
      entry[1] = stack_.pop();
      entry[0] = stack_.pop();
      set_items(std::move(entry));
      return true;
    }
    case Opcode::setitems:
      set_items(stack_.pop_to_mark());
      return true;
    case Opcode::additems:
      add_items(stack_.pop_to_mark());
      return true;
    default:
      return false;
  }
}

void Machine::push_integer(std::string_view twos_complement) {
  if (twos_complement.size() > limits_.max_int_bytes) {
    fail(ErrorCode::unsafe, "an integer of {} bytes (Limits::max_int_bytes is {})",
         twos_complement.size(), limits_.max_int_bytes);
  }
  if (twos_complement.size() > sizeof(std::int64_t))
    budget_.charge(kObjectCost + twos_complement.size());
  stack_.push(integer_from_twos_complement(twos_complement));
}

void Machine::push_decimal_integer(std::string_view text) {
  constexpr double kDigitsPerByte = 2.409;
  if (static_cast<double>(text.size()) / kDigitsPerByte >
      static_cast<double>(limits_.max_int_bytes) + 2) {
    fail(ErrorCode::unsafe, "an integer of {} digits (Limits::max_int_bytes is {})", text.size(),
         limits_.max_int_bytes);
  }
  budget_.charge(kObjectCost);
  stack_.push(integer_from_decimal(text));
}

void Machine::push_text(std::string_view utf8) {
  if (!is_utf8(utf8)) fail(ErrorCode::corrupt, "a string is not UTF-8");
  budget_.charge(kTextCost + utf8.size());
  stack_.push(utf8);
}

// Python 2's str is text in most files and binary data in some.
void Machine::push_python2_text(std::string_view bytes) {
  if (is_utf8(bytes)) {
    push_text(bytes);
  } else {
    push_bytes(bytes);
  }
}

void Machine::push_bytes(std::string_view bytes) {
  budget_.charge(kTextCost + bytes.size());
  stack_.push(Bytes{std::string(bytes)});
}

void Machine::push_bytearray(std::string_view bytes) {
  budget_.charge(kObjectCost + bytes.size());
  stack_.push(
      Object::call(Object::global("builtins", "bytearray"), tuple({Bytes{std::string(bytes)}})));
}

void Machine::push_list(List items) {
  budget_.charge(kSequenceCost + items.size() * kItemCost);
  stack_.push(std::move(items));
}

void Machine::push_tuple(List items) {
  budget_.charge(kSequenceCost + items.size() * kItemCost);
  stack_.push(Tuple{std::move(items)});
}

void Machine::push_short_tuple(std::size_t size) {
  List items(size);
  for (std::size_t i = size; i-- > 0;) items[i] = stack_.pop();
  push_tuple(std::move(items));
}

void Machine::push_dict(List keys_and_values) {
  budget_.charge(kDictCost);
  stack_.push(Dict());
  set_items(std::move(keys_and_values));
}

void Machine::push_frozenset(List items) {
  budget_.charge(kObjectCost);
  SetMembers members;
  members.add(std::move(items), budget_);
  stack_.push(Object::call(Object::global("builtins", "frozenset"),
                           tuple({Value(List(members.in_order()))})));
}

void Machine::append(List items) {
  const Value& target = stack_.top();
  budget_.charge(items.size() * kItemCost);
  List& list = target.is_list() ? target.as_list() : fillable_object(target).list_items;
  for (Value& item : items) list.push_back(std::move(item));
}

void Machine::set_items(List keys_and_values) {
  const Value& target = stack_.top();
  if (keys_and_values.size() % 2 != 0) {
    fail(ErrorCode::corrupt, "a dict key without a value");
  }
  Object* object = target.is_dict() ? nullptr : &fillable_object(target);
  for (std::size_t i = 0; i < keys_and_values.size(); i += 2) {
    Value& key = keys_and_values[i];
    Value& value = keys_and_values[i + 1];
    budget_.charge(kEntryCost);
    if (object != nullptr) {
      object->dict_items.emplace_back(std::move(key), std::move(value));
    } else {
      check_key(key, budget_);
      target.as_dict().set(std::move(key), std::move(value));
    }
  }
}

void Machine::add_items(List items) {
  const Value& target = stack_.top();
  if (!target.is_set()) {
    fail(ErrorCode::corrupt, "items are added to a {} (expected a set)", name(target.kind()));
  }
  const auto [entry, is_new] = open_sets_.try_emplace(target.identity());
  auto& [set, members] = entry->second;
  if (is_new) {
    set = target;
    members.add(target.as_set(), budget_);
  }
  const std::size_t before = members.in_order().size();
  members.add(std::move(items), budget_);
  const List& all = members.in_order();
  target.as_set().insert(target.as_set().end(), all.begin() + static_cast<std::ptrdiff_t>(before),
                         all.end());
}

}  // namespace torchkeep::pickle
