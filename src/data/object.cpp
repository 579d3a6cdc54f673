#include <utility>

#include <torchkeep/object.h>

namespace torchkeep {

Object Object::global(std::string module, std::string name) {
  Object object;
  object.module_ = std::move(module);
  object.name_ = std::move(name);
  return object;
}

Object Object::call(Value callee, Value arguments) {
  Object object;
  object.form_ = Form::call;
  object.callee_ = std::move(callee);
  object.arguments_ = std::move(arguments);
  return object;
}

Object Object::instance(Value callee, Value arguments) {
  Object object = call(std::move(callee), std::move(arguments));
  object.form_ = Form::instance;
  return object;
}

Object Object::big_int(std::string digits) {
  Object object;
  object.form_ = Form::big_int;
  object.name_ = std::move(digits);
  return object;
}

Object Object::ancestor() {
  Object object;
  object.form_ = Form::ancestor;
  return object;
}

std::string Object::class_path() const {
  switch (form_) {
    case Form::global:
      return module_ + "." + name_;
    case Form::big_int:
      return "int";
    case Form::ancestor:
      return "ancestor";
    case Form::call:
    case Form::instance:
      break;
  }
  // A callee may be the result of a call itself, and so on: a loop, for the file decides how deep.
  const Value* callee = &callee_;
  std::string suffix;
  while (callee->is_object() && callee->as_object().form_ != Form::global) {
    const Form form = callee->as_object().form_;
    if (form == Form::big_int) return "int(...)";
    if (form == Form::ancestor) return "ancestor(...)";
    suffix = "(...)";
    callee = &callee->as_object().callee_;
  }
  if (!callee->is_object()) return std::string(torchkeep::name(callee->kind())) + suffix;
  return callee->as_object().class_path() + suffix;
}

bool Object::is_global(std::string_view module, std::string_view name) const {
  return form_ == Form::global && module_ == module && name_ == name;
}

bool Object::is_call_of(std::string_view module, std::string_view name) const {
  return form_ == Form::call && callee_.is_object() && callee_.as_object().is_global(module, name);
}

const Value* Object::attribute(std::string_view name) const { return state.find(name); }

}  // namespace torchkeep
