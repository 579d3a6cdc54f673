// The steps that in Python would import and call something. Here they make data.
#include <algorithm>
#include <tuple>
#include <utility>

#include "base/fail.h"
#include "format/pickle/machine.h"
#include "format/pickle/python_data.h"
#include "format/pickle/python_names.h"
#include "format/pickle/text.h"

namespace torchkeep::pickle {
namespace {

constexpr std::uint64_t kFirstProtocolOfPython3 = 3;
constexpr std::size_t kMaxNameBytes = 1000;

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<std::uint8_t>(c) < 0x20 || c == 0x7f; });
}

// Of a module, or of a class or function, inside which names are joined by dots.
void check_name(std::string_view text) {
  if (text.empty() || text.size() > kMaxNameBytes || !is_utf8(text) ||
      has_control_character(text)) {
    fail(ErrorCode::corrupt, "the name of a class or module is no name");
  }
  if (text.front() == '.' || text.back() == '.' || text.find("..") != std::string_view::npos) {
    fail(ErrorCode::corrupt, "'{}' is no name of a class or module", text);
  }
}

// Functions of their own: with them in its switch, clang 14 miscompiles step_unsupported() for the
// address sanitizer.
[[noreturn]] void throw_extension(std::int64_t number) {
  fail_at(ErrorCode::unsupported, {}, "save it without copyreg.add_extension()",
          "class number {} of a registry that only the program that wrote the file has", number);
}

[[noreturn]] void throw_buffer() {
  fail_at(ErrorCode::unsupported, {}, "save it without a buffer_callback",
          "the data is in a buffer outside of the pickle");
}

}  // namespace

bool Machine::step_object(const Instruction& instruction) {
  switch (instruction.info->opcode) {
    case Opcode::global:
      stack_.push(global(instruction.text, instruction.name));
      return true;
    case Opcode::stack_global:
      push_global_from_stack();
      return true;
    case Opcode::reduce: {
      Value arguments = stack_.pop();
      push_call(stack_.pop(), std::move(arguments));
      return true;
    }
    case Opcode::newobj: {
      Value arguments = stack_.pop();
      push_instance(stack_.pop(), std::move(arguments), Value());
      return true;
    }
    case Opcode::newobj_ex: {
      Value keyword_arguments = stack_.pop();
      Value arguments = stack_.pop();
      push_instance(stack_.pop(), std::move(arguments), std::move(keyword_arguments));
      return true;
    }
    case Opcode::inst:
      push_old_instance(global(instruction.text, instruction.name), stack_.pop_to_mark());
      return true;
    case Opcode::obj: {
      List items = stack_.pop_to_mark();
      if (items.empty()) fail(ErrorCode::corrupt, "an instance without a class");
      Value callee = std::move(items.front());
      items.erase(items.begin());
      push_old_instance(std::move(callee), std::move(items));
      return true;
    }
    case Opcode::build:
      build_top(stack_.pop());
      return true;
    case Opcode::persid:
      load_persistent(std::string(instruction.text));
      return true;
    case Opcode::binpersid:
      load_persistent(stack_.pop());
      return true;
    default:
      return step_unsupported(instruction);
  }
}

bool Machine::step_unsupported(const Instruction& instruction) {
  switch (instruction.info->opcode) {
    case Opcode::ext1:
    case Opcode::ext2:
    case Opcode::ext4:
      throw_extension(static_cast<std::int64_t>(instruction.number));
    case Opcode::next_buffer:
    case Opcode::readonly_buffer:
      throw_buffer();
    default:
      return false;
  }
}

Value Machine::global(std::string_view module, std::string_view name) {
  check_name(module);
  check_name(name);
  if (protocol_ < kFirstProtocolOfPython3) std::tie(module, name) = to_python3({module, name});
  budget_.charge(kObjectCost + module.size() + name.size());
  globals_.insert(fmt::format("{}.{}", module, name));
  return Object::global(std::string(module), std::string(name));
}

void Machine::push_global_from_stack() {
  const Value name = stack_.pop();
  const Value module = stack_.pop();
  if (!name.is_string() || !module.is_string()) {
    fail(ErrorCode::corrupt, "the name of a class or module is no name");
  }
  stack_.push(global(module.as_string(), name.as_string()));
}

void Machine::push_call(Value callee, Value arguments) {
  check_callee(callee, arguments);
  const Object& function = callee.as_object();
  if (auto data = build_python_data(function, arguments.as_tuple(), budget_)) {
    stack_.push(std::move(*data));
    return;
  }
  budget_.charge(kObjectCost);
  if (hooks_.build) {
    const auto built = with_key([&] { return hooks_.build(function, arguments.as_tuple()); });
    if (built) {
      stack_.push(*built);
      return;
    }
  }
  stack_.push(Object::call(std::move(callee), std::move(arguments)));
}

void Machine::push_instance(Value callee, Value arguments, Value keyword_arguments) {
  check_callee(callee, arguments);
  if (!keyword_arguments.is_none() && !keyword_arguments.is_dict()) {
    fail(ErrorCode::corrupt, "keyword arguments that are a {} (expected a dict)",
         name(keyword_arguments.kind()));
  }
  budget_.charge(kObjectCost);
  Object instance = Object::instance(std::move(callee), std::move(arguments));
  instance.keyword_arguments = std::move(keyword_arguments);
  stack_.push(std::move(instance));
}

// As Python 3 reads instances of Python 2's old classes: called only if there are arguments.
void Machine::push_old_instance(Value callee, List arguments) {
  const bool is_called = !arguments.empty();
  Value tuple(Tuple{std::move(arguments)});
  if (is_called) {
    push_call(std::move(callee), std::move(tuple));
  } else {
    push_instance(std::move(callee), std::move(tuple), Value());
  }
}

void Machine::check_callee(const Value& callee, const Value& arguments) const {
  if (!callee.is_object() || callee.as_object().form() == Object::Form::big_int) {
    fail(ErrorCode::corrupt, "a call of a {} (expected a class or function)", name(callee.kind()));
  }
  if (!arguments.is_tuple()) {
    fail(ErrorCode::corrupt, "arguments that are a {} (expected a tuple)", name(arguments.kind()));
  }
}

Object& Machine::fillable_object(const Value& target) const {
  if (!target.is_object()) {
    fail(ErrorCode::corrupt, "items or attributes of a {}", name(target.kind()));
  }
  Object& object = target.as_object();
  switch (object.form()) {
    case Object::Form::call:
    case Object::Form::instance:
      return object;
    case Object::Form::global:
      fail(ErrorCode::unsafe, "the pickle changes {}, which belongs to the program",
           object.class_path());
    case Object::Form::big_int:
    case Object::Form::ancestor:
      break;
  }
  fail(ErrorCode::corrupt, "items or attributes of an int");
}

void Machine::build_top(Value state) {
  const Value& target = stack_.top();
  if (target.is_dict() && target.as_dict().type() == Dict::Type::ordered) {
    Dict& dict = target.as_dict();
    if (!dict.attributes().is_none()) fail(ErrorCode::corrupt, "attributes are set twice");
    dict.set_attributes(std::move(state));
    return;
  }
  if (target.is_tensor()) {
    fail(ErrorCode::unsupported, "a tensor whose state is set after it is built");
  }
  Object& object = fillable_object(target);
  if (!object.state.is_none()) fail(ErrorCode::corrupt, "state is set twice");
  object.state = std::move(state);
}

void Machine::load_persistent(const Value& id) {
  if (!hooks_.persistent_load) {
    fail(ErrorCode::corrupt, "a reference to data outside of the pickle");
  }
  stack_.push(with_key([&] { return hooks_.persistent_load(id); }));
}

}  // namespace torchkeep::pickle
