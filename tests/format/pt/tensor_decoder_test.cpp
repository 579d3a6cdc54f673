// What a tensor in a pickle may claim.
#include <string>
#include <vector>

#include <torchkeep/tensor.h>
#include <torchkeep/tensor_extras.h>
#include <torchkeep/value.h>

#include <gtest/gtest.h>

#include "format/pt/pt_pickle.h"
#include "support/expect_error.h"

namespace torchkeep {
namespace {

using testing::decoded_pt;
using testing::encoded_pt;
using ::testing::HasSubstr;
using testing::PtPickle;
using testing::round_trip;

Value torch_global(std::string name) { return Object::global("torch", std::move(name)); }

Value rebuild(std::string function, List arguments) {
  return Object::call(Object::global("torch._utils", std::move(function)),
                      Tuple{std::move(arguments)});
}

Value no_hooks() { return Dict(Dict::Type::ordered); }

Storage floats(std::uint64_t count) { return Storage::allocate(count * 4, DType::float32); }

// The value read back after the call was written as it is.
Value read_back(const Value& call) { return decoded_pt(encoded_pt(call)); }

Value view(Value offset, Value shape, Value strides, std::uint64_t count = 6) {
  return rebuild("_rebuild_tensor_v2", {floats(count), std::move(offset), std::move(shape),
                                        std::move(strides), false, no_hooks()});
}

TEST(TensorDecoder, ReadsAllGenerationsOfTensors) {
  const Value oldest =
      read_back(rebuild("_rebuild_tensor", {floats(2), 0, tuple({2}), tuple({1})}));
  EXPECT_EQ(oldest.as_tensor().shape(), Shape({2}));
  const Value without_hooks = read_back(
      rebuild("_rebuild_tensor_v2", {floats(2), 0, tuple({2}), tuple({1}), true, Value()}));
  EXPECT_TRUE(without_hooks.as_tensor().requires_grad());
  const Value newest =
      read_back(rebuild("_rebuild_tensor_v3", {Storage::allocate(4), 1, tuple({1}), tuple({1}),
                                               false, no_hooks(), torch_global("uint16")}));
  EXPECT_EQ(newest.as_tensor().dtype(), DType::uint16);
  EXPECT_EQ(newest.as_tensor().storage_offset(), 1);
}

TEST(TensorDecoder, ReadsOldStorageClassesByNameAlone) {
  PtPickle from = encoded_pt(floats(2));
  const std::string name = "ctorch\nFloatStorage\n";
  from.bytes.replace(from.bytes.find(name), name.size(), "ctorch.cuda\nFloatStorage\n");
  EXPECT_EQ(decoded_pt(from).as_storage().dtype(), DType::float32);
}

TEST(TensorDecoder, RefusesTensorsOutsideOfTheirStorage) {
  const auto refused = [](const Value& call, const std::string& problem) {
    EXPECT_ERROR(read_back(call), ErrorCode::corrupt, HasSubstr(problem));
  };
  const std::int64_t huge = std::int64_t{1} << 62;
  EXPECT_TRUE(read_back(view(1, tuple({5}), tuple({1}))).is_tensor());
  refused(view(2, tuple({5}), tuple({1})), "");
  refused(view(0, tuple({2, 3}), tuple({4, 1})), "");
  refused(view(-1, tuple({1}), tuple({1})), "offset");
  refused(view(0, tuple({-1}), tuple({1})), "negative");
  refused(view(0, tuple({2}), tuple({-1})), "");
  refused(view(0, tuple({huge, huge}), tuple({1, 1})), "");
  refused(view(0, tuple({2}), tuple({huge})), "");
  refused(view(huge, tuple({2}), tuple({1})), "");
  refused(view(0, tuple({2}), tuple({1, 1})), "differ in length");
  refused(view(0, Tuple{List(65, Value(1))}, Tuple{List(65, Value(1))}), "64 dimensions");
}

TEST(TensorDecoder, RefusesTensorsThatRepeatTheirBytesWithoutEnd) {
  EXPECT_TRUE(read_back(view(0, tuple({1 << 20}), tuple({0}))).is_tensor());
  EXPECT_ERROR(read_back(view(0, tuple({std::int64_t{1} << 40}), tuple({0}))), ErrorCode::unsafe,
               HasSubstr("max_logical_bytes"));
  const PtPickle expanded = encoded_pt(view(0, tuple({100}), tuple({0})));
  EXPECT_ERROR(decoded_pt(expanded, {.max_logical_bytes = 399}), ErrorCode::unsafe,
               HasSubstr("max_logical_bytes"));
  EXPECT_NO_THROW(decoded_pt(expanded, {.max_logical_bytes = 400}));
}

TEST(TensorDecoder, RefusesArgumentsOfWrongTypesAndNumber) {
  const auto refused = [](const Value& call, const std::string& problem) {
    EXPECT_ERROR(read_back(call), ErrorCode::corrupt, HasSubstr(problem));
  };
  refused(rebuild("_rebuild_tensor_v2", {}), "0 arguments");
  refused(rebuild("_rebuild_tensor_v2", List(9)), "9 arguments");
  refused(view(Value(), tuple({1}), tuple({1})), "offset that is no int");
  refused(view(0, Value(1), tuple({1})), "no tuple");
  refused(view(0, tuple({1.0}), tuple({1})), "no int");
  refused(view(0, tuple({true}), tuple({1})), "no int");
  refused(rebuild("_rebuild_tensor_v2", {1, 0, tuple({}), tuple({}), false, Value()}),
          "no storage");
  refused(rebuild("_rebuild_tensor_v2", {floats(1), 0, tuple({}), tuple({}), 1, Value()}),
          "requires_grad");
  refused(rebuild("_rebuild_tensor_v3", {Storage::allocate(4), 0, tuple({}), tuple({}), false,
                                         Value(), torch_global("float31")}),
          "no known dtype");
  refused(rebuild("_rebuild_parameter", {Tensor(), true}), "2 arguments");
}

TEST(TensorDecoder, KeepsTensorsThatAreMoreThanTheirElements) {
  Dict hooks(Dict::Type::ordered);
  hooks.set("hook", 1);
  const List kept = {
      rebuild("_rebuild_tensor_v2", {floats(1), 0, tuple({}), tuple({}), false, hooks}),
      rebuild("_rebuild_sparse_tensor",
              {torch_global("sparse_coo"), tuple({Tensor(), Tensor(), tuple({0})})}),
      rebuild("_rebuild_meta_tensor_no_storage",
              {torch_global("float32"), tuple({2}), tuple({1}), false}),
      rebuild("_rebuild_parameter_with_state", {Tensor(), true, no_hooks(), 7}),
  };
  for (const Value& call : kept) {
    const Value once = read_back(call);
    SCOPED_TRACE(to_string(once));
    EXPECT_TRUE(once.is_object());
    EXPECT_EQ(encoded_pt(once).bytes, encoded_pt(call).bytes);
  }
  // Metadata without meaning changes nothing.
  EXPECT_TRUE(read_back(rebuild("_rebuild_tensor_v2",
                                {floats(1), 0, tuple({}), tuple({}), false, no_hooks(), Dict()}))
                  .is_tensor());
}

Value complex_view(Value metadata, DType dtype = DType::complex64) {
  return rebuild("_rebuild_tensor_v2", {Storage::allocate(16, dtype), 0, tuple({2}), tuple({1}),
                                        false, no_hooks(), std::move(metadata)});
}

TEST(TensorDecoder, ReadsConjugateAndNegativeViews) {
  const Value conjugate = read_back(complex_view(dict({{"conj", true}})));
  EXPECT_TRUE(conjugate.as_tensor().is_conjugated());
  EXPECT_FALSE(conjugate.as_tensor().is_contiguous());
  const Value both = read_back(complex_view(dict({{"conj", true}, {"neg", true}})));
  EXPECT_EQ(encoded_pt(both).bytes,
            encoded_pt(complex_view(dict({{"conj", true}, {"neg", true}}))).bytes);
  EXPECT_TRUE(
      read_back(complex_view(dict({{"neg", true}}), DType::float32)).as_tensor().is_negated());
  for (const Value& wrong :
       {complex_view(dict({{"conj", true}}), DType::float32),
        complex_view(dict({{"neg", true}}), DType::int64), complex_view(dict({{"other", true}})),
        complex_view(dict({{"conj", 1}})), complex_view(7)}) {
    EXPECT_ERROR(read_back(wrong), ErrorCode::corrupt, HasSubstr(""));
  }
}

Value from_type(Value function, Value type, Value arguments, Value state) {
  return Object::call(
      Object::global("torch._tensor", "_rebuild_from_type_v2"),
      tuple({std::move(function), std::move(type), std::move(arguments), std::move(state)}));
}

TEST(TensorDecoder, KeepsTheClassAndTheAttributesOfTensors) {
  const Value plain = view(0, tuple({2}), tuple({1}));
  const Value function = Object::global("torch._utils", "_rebuild_tensor_v2");
  const Value type = Object::global("my.module", "MyTensor");
  for (const Value& state :
       {Value(), dict({{"tag", "x"}, {"mask", Tensor()}}), tuple({Value(), dict({{"slot", 1}})})}) {
    const Value call = from_type(function, type, plain.as_object().arguments(), state);
    const Value once = read_back(call);
    ASSERT_TRUE(once.is_tensor());
    EXPECT_EQ(once.as_tensor().extras()->type.as_object().class_path(), "my.module.MyTensor");
    EXPECT_TRUE(equal(once.as_tensor().extras()->state, state));
    EXPECT_EQ(encoded_pt(once).bytes, encoded_pt(call).bytes);
  }
  const Value parameter =
      rebuild("_rebuild_parameter_with_state", {Tensor(), true, no_hooks(), dict({{"a", 1}})});
  const Value once = read_back(parameter);
  ASSERT_TRUE(once.is_tensor());
  EXPECT_TRUE(once.as_tensor().is_parameter());
  EXPECT_EQ(encoded_pt(once).bytes, encoded_pt(parameter).bytes);
}

TEST(TensorDecoder, BuildsSubclassesOnlyByTheFunctionsThatItKnows) {
  const Value type = Object::global("my.module", "MyTensor");
  const Value arguments = view(0, tuple({2}), tuple({1})).as_object().arguments();
  for (const Object& function :
       {Object::global("os", "system"), Object::global("torch._tensor", "_rebuild_from_type_v2"),
        Object::global("torch._utils", "_rebuild_wrapper_subclass")}) {
    EXPECT_TRUE(read_back(from_type(function, type, arguments, Value())).is_object());
  }
  EXPECT_ERROR(read_back(from_type(7, type, arguments, Value())), ErrorCode::corrupt,
               HasSubstr("no function"));
  EXPECT_ERROR(
      read_back(from_type(Object::global("torch._utils", "_rebuild_tensor_v2"), type, 7, Value())),
      ErrorCode::corrupt, HasSubstr("no tuple"));
}

TEST(TensorDecoder, CutsWhatATensorsAttributesHoldOfItself) {
  // A tensor whose attributes are a dict that is filled with the tensor afterwards.
  PtPickle from = encoded_pt(
      from_type(Object::global("torch._utils", "_rebuild_tensor_v2"), Object::global("m", "T"),
                view(0, tuple({2}), tuple({1})).as_object().arguments(), Value(Dict())));
  // EMPTY_DICT and its memo number, then the end of the arguments.
  const std::size_t dict = from.bytes.rfind('}');
  const auto number = static_cast<unsigned char>(from.bytes[dict + 2]);
  from.bytes.replace(from.bytes.size() - 1, 1,
                     std::string("q\xf0") + "h" + static_cast<char>(number) + "X" +
                         std::string("\x01\0\0\0a", 5) + "h\xf0s0.");
  const Value tensor = decoded_pt(from);
  EXPECT_EQ(tensor.as_tensor().extras()->state["a"].as_object().form(), Object::Form::ancestor);
}

Value meta(Value dtype, Value size, Value stride) {
  return rebuild("_rebuild_meta_tensor_no_storage",
                 {std::move(dtype), std::move(size), std::move(stride), false});
}

TEST(TensorDecoder, ChecksTensorsWithoutStorage) {
  EXPECT_TRUE(read_back(meta(torch_global("float32"), tuple({2}), tuple({1}))).is_object());
  for (const Value& wrong :
       {meta(7, tuple({2}), tuple({1})), meta(torch_global("float32"), tuple({2}), tuple({1, 1})),
        meta(torch_global("float32"), tuple({-2}), tuple({1})),
        meta(torch_global("float32"), tuple({1 << 30, 1 << 30, 1 << 30}), tuple({1, 1, 1}))}) {
    EXPECT_ERROR(read_back(wrong), ErrorCode::corrupt, HasSubstr(""));
  }
}

Value quantized(Value parameters, DType dtype = DType::quint8, Shape shape = {2, 3}) {
  return rebuild("_rebuild_qtensor",
                 {Storage::allocate(24, dtype), 0, tuple({shape[0], shape[1]}),
                  tuple({shape[1], 1}), std::move(parameters), false, no_hooks()});
}

Value channels(std::int64_t scales, std::int64_t zero_points, std::int64_t axis) {
  const auto vector = [](std::int64_t size, DType dtype) {
    return Tensor(Storage::allocate(static_cast<std::uint64_t>(size) * 8, dtype), dtype, {size});
  };
  return tuple({torch_global("per_channel_affine"), vector(scales, DType::float64),
                vector(zero_points, DType::int64), axis});
}

TEST(TensorDecoder, ReadsQuantisedTensors) {
  const Value by_tensor = read_back(quantized(tuple({torch_global("per_tensor_affine"), 0.5, 3})));
  EXPECT_EQ(by_tensor.as_tensor().quantizer()->scale, 0.5);
  EXPECT_EQ(by_tensor.as_tensor().quantizer()->zero_point, 3);
  const Value by_channel = read_back(quantized(channels(3, 3, 1), DType::qint8));
  EXPECT_EQ(by_channel.as_tensor().quantizer()->axis, 1);
  EXPECT_EQ(by_channel.as_tensor().quantizer()->scales.shape(), Shape({3}));
}

TEST(TensorDecoder, ReadsQuantisationWrittenAsLists) {
  const Value call =
      quantized(tuple({torch_global("per_channel_affine"), list({0.5, 0.25}), list({0, 3}), 0}));
  const Value once = read_back(call);
  ASSERT_TRUE(once.is_tensor());
  EXPECT_EQ(once.as_tensor().quantizer()->scales.item_as_double(1), 0.25);
  EXPECT_EQ(once.as_tensor().quantizer()->zero_points.item_as_double(1), 3.0);
  EXPECT_EQ(encoded_pt(once).bytes, encoded_pt(call).bytes);
}

TEST(TensorDecoder, ReadsPackedQuantisedTensors) {
  Tensor packed(Storage::allocate(3, DType::quint4x2), DType::quint4x2, {3, 2});
  packed.set_quantizer(std::make_shared<const Quantizer>());
  EXPECT_EQ(round_trip(packed).as_tensor().shape(), Shape({3, 2}));
  const Value too_large = rebuild(
      "_rebuild_qtensor", {Storage::allocate(3, DType::quint4x2), 0, tuple({7}), tuple({1}),
                           tuple({torch_global("per_tensor_affine"), 0.5, 3}), false, no_hooks()});
  EXPECT_ERROR(read_back(too_large), ErrorCode::corrupt, HasSubstr(""));
}

TEST(TensorDecoder, RefusesWrongQuantisation) {
  const auto refused = [](const Value& call, const std::string& problem) {
    EXPECT_ERROR(read_back(call), ErrorCode::corrupt, HasSubstr(problem));
  };
  refused(quantized(Value()), "no quantisation parameters");
  refused(quantized(tuple({})), "no quantisation parameters");
  refused(quantized(tuple({torch_global("per_tensor_affine"), 0.5})), "wrong quantisation");
  refused(quantized(tuple({torch_global("per_tensor_affine"), "x", 3})), "wrong quantisation");
  refused(quantized(channels(3, 3, 2)), "axis");
  refused(quantized(channels(3, 3, -1)), "axis");
  refused(quantized(channels(2, 3, 1)), "one for each channel");
  refused(quantized(channels(3, 2, 1)), "one for each channel");
  refused(quantized(tuple({torch_global("per_tensor_affine"), 0.5, 3}), DType::float32),
          "not quantised");
  refused(quantized(tuple({torch_global("per_tensor_affine"), 0.5, 256})), "no element can be");
  refused(quantized(tuple({torch_global("per_tensor_affine"), 0.5, -129}), DType::qint8),
          "no element can be");
  refused(
      quantized(tuple({torch_global("per_channel_affine"), list({0.5, 0.25}), list({0, 300}), 0})),
      "zero points of 300");
  refused(quantized(tuple({torch_global("per_channel_affine"), list({0.5}), list({0}), 0})),
          "one for each channel");
  EXPECT_TRUE(read_back(quantized(tuple({torch_global("some_scheme"), 1}))).is_object());
}

// A decoder whose storages have the size that the pickle declares.
Value load_id(const Value& id) {
  pt::TensorDecoder decoder([](const std::string&, std::optional<DType> dtype, const std::string&,
                               std::uint64_t bytes) { return Storage::allocate(bytes, dtype); });
  return decoder.hooks().persistent_load(id);
}

Value storage_id(Value kind, Value type, Value key, Value location, Value numel) {
  return tuple(
      {std::move(kind), std::move(type), std::move(key), std::move(location), std::move(numel)});
}

TEST(TensorDecoder, ChecksPersistentIds) {
  const Value type = torch_global("FloatStorage");
  EXPECT_EQ(load_id(storage_id("storage", type, "0", "cpu", 3)).as_storage().size_bytes(), 12U);
  for (const Value& id :
       {Value("0"), tuple({}), tuple({"storage", type, "0", "cpu"}),
        storage_id("module", type, "0", "cpu", 3),
        storage_id("storage", "FloatStorage", "0", "cpu", 3),
        storage_id("storage", torch_global("float32"), "0", "cpu", 3),
        storage_id("storage", type, 0, "cpu", 3), storage_id("storage", type, "0", Value(), 3),
        storage_id("storage", type, "0", "cpu", "3"), storage_id("storage", type, "0", "cpu", -3),
        storage_id("storage", type, "0", "cpu", INT64_MAX)}) {
    SCOPED_TRACE(to_string(id));
    EXPECT_ERROR(load_id(id), ErrorCode::corrupt, HasSubstr(""));
  }
  EXPECT_ERROR(load_id(storage_id("storage", torch_global("NewStorage"), "0", "cpu", 3)),
               ErrorCode::unsupported, HasSubstr("torch.NewStorage"));
}

TEST(TensorDecoder, LoadsEachStorageOnceAndRefusesTwoDescriptions) {
  int loads = 0;
  pt::TensorDecoder decoder([&loads](const std::string&, std::optional<DType> dtype,
                                     const std::string&, std::uint64_t bytes) {
    ++loads;
    return Storage::allocate(bytes, dtype);
  });
  const auto load = decoder.hooks().persistent_load;
  const Value type = torch_global("FloatStorage");
  const Value first = load(storage_id("storage", type, "0", "cpu", 3));
  const Value second = load(storage_id("storage", type, "0", "cpu", 3));
  EXPECT_EQ(loads, 1);
  EXPECT_TRUE(first.as_storage().shares_memory_with(second.as_storage()));
  EXPECT_ERROR(load(storage_id("storage", type, "0", "cpu", 4)), ErrorCode::corrupt,
               HasSubstr("described in two ways"));
  EXPECT_ERROR(load(storage_id("storage", torch_global("IntStorage"), "0", "cpu", 3)),
               ErrorCode::corrupt, HasSubstr("described in two ways"));
}

TEST(TensorDecoder, RefusesStoragesOfAnotherSizeThanDeclared) {
  pt::TensorDecoder decoder([](const std::string&, std::optional<DType> dtype, const std::string&,
                               std::uint64_t) { return Storage::allocate(12, dtype); });
  EXPECT_ERROR(decoder.hooks().persistent_load(
                   storage_id("storage", torch_global("FloatStorage"), "0", "cpu", 1000)),
               ErrorCode::corrupt, HasSubstr("expected 4000 bytes, got 12"));
}

}  // namespace
}  // namespace torchkeep
