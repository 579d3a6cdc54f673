#include "format/dcp/python_object.h"

#include "base/fail.h"

namespace torchkeep::dcp {
namespace {

constexpr std::size_t kMostDimensions = 64;

std::string describe(const Value& value) {
  return value.is_object() ? value.as_object().class_path() : std::string(name(value.kind()));
}

[[noreturn]] void refuse(const Value& value, std::string_view what, std::string_view expected) {
  fail(ErrorCode::corrupt, "{} is wrong (expected {}, got {})", what, expected, describe(value));
}

}  // namespace

bool is_instance(const Value& value, std::string_view class_name) {
  return value.is_object() && value.as_object().form() == Object::Form::instance &&
         value.as_object().callee().is_object() &&
         value.as_object().callee().as_object().form() == Object::Form::global &&
         value.as_object().callee().as_object().name() == class_name;
}

void expect_instance(const Value& value, std::string_view class_name) {
  if (!is_instance(value, class_name)) refuse(value, "the pickle", class_name);
}

Value attribute(const Value& instance, std::string_view name) {
  const Value* found = instance.as_object().attribute(name);
  return found == nullptr ? Value() : *found;
}

const std::string& text(const Value& value, std::string_view what) {
  if (!value.is_string()) refuse(value, what, "str");
  return value.as_string();
}

std::uint64_t count(const Value& value, std::string_view what) {
  if (!value.is_int() || value.as_int() < 0) refuse(value, what, "a number that is not negative");
  return static_cast<std::uint64_t>(value.as_int());
}

Shape shape(const Value& value, std::string_view what) {
  Value sizes = value;
  if (value.is_object() && value.as_object().is_call_of("torch", "Size") &&
      value.as_object().arguments().size() == 1) {
    sizes = value.as_object().arguments()[0];
  }
  if (!sizes.is_tuple() && !sizes.is_list()) refuse(value, what, "torch.Size");
  if (sizes.size() > kMostDimensions) {
    fail(ErrorCode::corrupt, "{} has more than {} dimensions", what, kMostDimensions);
  }
  Shape result;
  for (const Value& size : sizes.items()) {
    result.push_back(static_cast<std::int64_t>(count(size, what)));
  }
  return result;
}

DType dtype(const Value& value) {
  if (!value.is_object() || value.as_object().form() != Object::Form::global ||
      value.as_object().module() != "torch") {
    refuse(value, "the dtype", "one of torch's");
  }
  const std::optional<DType> found = dtype_from_name(value.as_object().name());
  if (!found) {
    fail_at(ErrorCode::unsupported, {}, "use a newer torchkeep", "the dtype {} is unknown",
            value.as_object().class_path());
  }
  return *found;
}

}  // namespace torchkeep::dcp
