// The instances of data classes in the pickle of a distributed checkpoint.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <torchkeep/tensor.h>
#include <torchkeep/value.h>

namespace torchkeep::dcp {

// All throw corrupt, naming what was expected, where the value is something else.

// Whether it is an instance of a class with that name, in whatever module: they have moved.
bool is_instance(const Value& value, std::string_view class_name);
void expect_instance(const Value& value, std::string_view class_name);

// An attribute of an instance; none where it has no such attribute, as Python then finds the
// default of the class.
Value attribute(const Value& instance, std::string_view name);

const std::string& text(const Value& value, std::string_view what);
std::uint64_t count(const Value& value, std::string_view what);
// A torch.Size, tuple or list of sizes that are not negative.
Shape shape(const Value& value, std::string_view what);
DType dtype(const Value& value);

}  // namespace torchkeep::dcp
