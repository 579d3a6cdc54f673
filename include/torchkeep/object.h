// An instance of a Python class that torchkeep does not build: kept as inert data.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <torchkeep/value.h>

namespace torchkeep {

// How a pickle makes the object. Nothing of it is ever called.
class Object {
 public:
  enum class Form {
    global,    // a class or function itself, by name: torch.float32, torch.nn.functional.relu
    call,      // callee(*arguments), such as torch.device("cpu")
    instance,  // callee.__new__(callee, *arguments)
    big_int,   // an int of more than 64 bits; `digits` is its two's complement, little-endian
    ancestor   // a reference to a list, dict or object around it. Only Python can hold such a
               // circle: reading cuts it here, and the value cannot be saved again
  };

  // The name of a class or function. Names are Python 3's ("builtins", not "__builtin__").
  static Object global(std::string module, std::string name);
  static Object call(Value callee, Value arguments);
  static Object instance(Value callee, Value arguments);
  static Object big_int(std::string digits);
  static Object ancestor();

  Form form() const { return form_; }
  // Of a global.
  const std::string& module() const { return module_; }
  const std::string& name() const { return name_; }
  // Of a call or an instance: usually a global, sometimes the result of another call.
  const Value& callee() const { return callee_; }
  const Value& arguments() const { return arguments_; }  // a tuple
  const std::string& digits() const { return name_; }

  // "module.Class" of a global, or of the callee where that is a global; "int" for a big int;
  // "ancestor"; the class path of the innermost callee in front of "(...)" otherwise.
  std::string class_path() const;
  bool is_global(std::string_view module, std::string_view name) const;
  bool is_call_of(std::string_view module, std::string_view name) const;

  // What the pickle adds after the construction; all may be empty.
  Value keyword_arguments;                          // a dict, or none
  Value state;                                      // argument of __setstate__ or the __dict__
  List list_items;                                  // appended
  std::vector<std::pair<Value, Value>> dict_items;  // set by key
  // The value of an attribute in `state`, where that is a dict; null otherwise.
  const Value* attribute(std::string_view name) const;

 private:
  Form form_ = Form::global;
  std::string module_;
  std::string name_;
  Value callee_;
  Value arguments_;
};

}  // namespace torchkeep
