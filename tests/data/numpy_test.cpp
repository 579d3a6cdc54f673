#include "data/numpy.h"

#include <string>

#include <gtest/gtest.h>

namespace torchkeep {
namespace {

Value dtype(const std::string& name, const std::string& order = "<") {
  Object object = Object::call(Object::global("numpy", "dtype"), tuple({name, false, true}));
  object.state = tuple({3, order, Value(), Value(), Value(), -1, -1, 0});
  return object;
}

Object array(Value type,
             Value shape,
             Value bytes,
             bool is_fortran = false,
             const std::string& module = "numpy.core.multiarray") {
  Object object = Object::call(Object::global(module, "_reconstruct"),
                               tuple({Object::global("numpy", "ndarray"), tuple({0}), "b"}));
  object.state = tuple({1, std::move(shape), std::move(type), is_fortran, std::move(bytes)});
  return object;
}

Value bytes(std::string text) { return Bytes{std::move(text)}; }

Object scalar(Value type, Value value) {
  return Object::call(Object::global("numpy.core.multiarray", "scalar"),
                      tuple({std::move(type), std::move(value)}));
}

TEST(Numpy, ArraysAreTensors) {
  const auto tensor =
      tensor_from_numpy(array(dtype("i2"), tuple({2, 2}), bytes({1, 0, 2, 0, 3, 0, 4, 0})));
  ASSERT_TRUE(tensor);
  EXPECT_EQ(tensor->dtype(), DType::int16);
  EXPECT_EQ(tensor->shape(), Shape({2, 2}));
  EXPECT_EQ(tensor->item_as_double(2), 3.0);
  EXPECT_TRUE(tensor_from_numpy(
      array(dtype("f8"), tuple({0, 3}), bytes(""), false, "numpy._core.multiarray")));
}

TEST(Numpy, FortranOrderIsAMatterOfStrides) {
  const auto tensor =
      tensor_from_numpy(array(dtype("u1"), tuple({2, 3}), bytes({0, 1, 2, 3, 4, 5}), true));
  EXPECT_EQ(tensor->strides(), Shape({1, 2}));
  EXPECT_EQ(tensor->item_as_double(1), 2.0);  // row 0, column 1
}

TEST(Numpy, BytesOfABigEndianMachineAreSwapped) {
  const Object big = array(dtype("i2", ">"), tuple({2}), bytes({0, 1, 0, 2}));
  EXPECT_EQ(tensor_from_numpy(big)->item_as_double(1), 2.0);
  EXPECT_EQ(big.state[4].as_bytes(), std::string({0, 1, 0, 2}));
}

TEST(Numpy, BuffersOfProtocol5AreTensors) {
  const Value buffer = Object::call(Object::global("builtins", "bytearray"), tuple({bytes("ab")}));
  const Object object = Object::call(Object::global("numpy.core.numeric", "_frombuffer"),
                                     tuple({buffer, dtype("u1"), tuple({2}), "C"}));
  EXPECT_EQ(tensor_from_numpy(object)->item_as_double(1), 'b');
}

TEST(Numpy, ArraysThatNoTensorCanBeAreNone) {
  const Value two = bytes("ab");
  for (const Object& object :
       {array(dtype("U2"), tuple({1}), two), array(dtype("O8"), tuple({1}), list({1})),
        array(dtype("f16"), tuple({1}), two), array(dtype("u1"), tuple({3}), two),
        array(dtype("u1"), tuple({1}), two), array(dtype("u1"), tuple({-2}), two),
        array(dtype("u1"), list({2}), two), array(dtype("u1"), tuple({"x"}), two),
        array(dtype("i8"), tuple({std::int64_t{1} << 62}), two), array(7, tuple({2}), two),
        Object::call(Object::global("os", "system"), tuple({"x"}))}) {
    EXPECT_FALSE(tensor_from_numpy(object)) << to_string(Value(object));
  }
}

TEST(Numpy, ScalarsAreNumbers) {
  EXPECT_EQ(
      number_from_numpy(scalar(dtype("i8"), bytes(std::string(7, '\xff') + '\xff')))->as_int(), -1);
  EXPECT_TRUE(number_from_numpy(scalar(dtype("b1", "|"), bytes("\1")))->as_bool());
  const auto half =
      number_from_numpy(scalar(dtype("f8"), bytes({0, 0, 0, 0, 0, 0, '\xe0', '\x3f'})));
  EXPECT_TRUE(half->is_double());
  EXPECT_EQ(half->as_double(), 0.5);
  EXPECT_FALSE(number_from_numpy(scalar(dtype("u8"), bytes(std::string(8, '\xff')))));
  EXPECT_FALSE(number_from_numpy(scalar(dtype("c8"), bytes(std::string(8, '\0')))));
  EXPECT_FALSE(number_from_numpy(scalar(dtype("f8"), bytes("abc"))));
}

TEST(Numpy, ScalarsCountAsNumbersOfValues) {
  const Value three = scalar(dtype("i2"), bytes({3, 0}));
  EXPECT_EQ(three.as_int(), 3);
  EXPECT_EQ(three.as_double(), 3.0);
}

}  // namespace
}  // namespace torchkeep
