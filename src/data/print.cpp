#include <cmath>
#include <unordered_set>
#include <utility>

#include <torchkeep/value.h>

#include "base/fail.h"

namespace torchkeep {
namespace {

std::string quoted(std::string_view text, std::string_view prefix) {
  std::string out(prefix);
  out += '\'';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\' || c == '\'') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f || (!prefix.empty() && byte >= 0x80)) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out + '\'';
}

std::string float_text(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  std::string text = fmt::format("{}", number);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

// Recursion is bounded by max_depth, not by the value.
class Printer {
 public:
  explicit Printer(const PrintOptions& options) : options_(options) {}

  void print(const Value& value, std::size_t depth) {
    switch (value.kind()) {
      case Value::Kind::none:
        out += "None";
        return;
      case Value::Kind::boolean:
        out += value.as_bool() ? "True" : "False";
        return;
      case Value::Kind::integer:
        out += std::to_string(value.as_int());
        return;
      case Value::Kind::floating:
        out += float_text(value.as_double());
        return;
      case Value::Kind::string:
        out += quoted(value.as_string(), "");
        return;
      case Value::Kind::bytes:
        out += quoted(value.as_bytes(), "b");
        return;
      case Value::Kind::tensor:
        out += fmt::format("tensor({} {})", name(value.as_tensor().dtype()),
                           to_string(value.as_tensor().shape()));
        return;
      case Value::Kind::storage:
        out += fmt::format("storage({} bytes)", value.as_storage().size_bytes());
        return;
      case Value::Kind::list:
        return sequence("[", value.items(), "]", depth);
      case Value::Kind::tuple:
        return sequence("(", value.items(), value.size() == 1 ? ",)" : ")", depth);
      case Value::Kind::set:
        if (value.size() == 0) {
          out += "set()";
          return;
        }
        return sequence("{", value.items(), "}", depth);
      case Value::Kind::dict:
        return entries(value.as_dict(), depth);
      case Value::Kind::object:
        return object(value.as_object(), depth);
    }
  }

  std::string out;

 private:
  template <class Items, class PrintItem>
  void bracketed(std::string_view open,
                 const Items& items,
                 std::string_view close,
                 std::size_t depth,
                 PrintItem print_item) {
    out += open;
    if (depth >= options_.max_depth && items.size() > 0) {
      out += "...";
    } else {
      std::size_t count = 0;
      for (const auto& item : items) {
        if (count > 0) out += ", ";
        if (count++ == options_.max_items) {
          out += fmt::format("... and {} more", items.size() - options_.max_items);
          break;
        }
        print_item(item);
      }
    }
    out += close;
  }

  void sequence(std::string_view open,
                const List& items,
                std::string_view close,
                std::size_t depth) {
    bracketed(open, items, close, depth, [&](const Value& item) { print(item, depth + 1); });
  }

  void entries(const Dict& dict, std::size_t depth) {
    const bool ordered = dict.type() == Dict::Type::ordered;
    bracketed(ordered ? "OrderedDict({" : "{", dict, ordered ? "})" : "}", depth,
              [&](const Dict::Entry& entry) {
                print(entry.first, depth + 1);
                out += ": ";
                print(entry.second, depth + 1);
              });
  }

  void object(const Object& object, std::size_t depth) {
    switch (object.form()) {
      case Object::Form::global:
        out += "<" + object.class_path() + ">";
        return;
      case Object::Form::big_int:
        out += "<int of more than 64 bits>";
        return;
      case Object::Form::ancestor:
        out += "<what holds this>";
        return;
      case Object::Form::call:
      case Object::Form::instance:
        break;
    }
    out += object.class_path();
    if (object.arguments().is_tuple()) {
      sequence("(", object.arguments().as_tuple(), ")", depth);
    } else {
      out += "(...)";
    }
  }

  const PrintOptions& options_;
};

}  // namespace

std::string to_string(const Value& value, const PrintOptions& options) {
  Printer printer(options);
  printer.print(value, 0);
  return std::move(printer.out);
}

}  // namespace torchkeep
