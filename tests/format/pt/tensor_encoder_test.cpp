// The goldens are pickles of torch.save of PyTorch 1.13.
#include <string>

#include <torchkeep/state_dict.h>
#include <torchkeep/tensor.h>
#include <torchkeep/value.h>

#include <gtest/gtest.h>

#include "format/pt/pt_pickle.h"
#include "support/expect_error.h"

namespace torchkeep {
namespace {

using testing::decoded_pt;
using testing::encoded_pt;
using ::testing::HasSubstr;
using testing::pickle;
using testing::PtPickle;
using testing::round_trip;

// torch.nn.Sequential(Linear(2, 1), BatchNorm1d(1)).state_dict()
const std::string kStateDictPickle = pickle(
    "\x80\x02"
    "ccollections\nOrderedDict\nq\x00)Rq\x01(X\x08\x00\x00\x00"
    "0.weightq\x02"
    ""
    "ctorch._utils\n_rebuild_tensor_v2\nq\x03((X\x07\x00\x00\x00storageq\x04"
    "ctorch\nFl"
    "oatStorage\nq\x05X\x01\x00\x00\x00"
    "0q\x06X\x03\x00\x00\x00"
    "cpuq\x07K\x02tq\x08QK"
    "\x00K\x01K\x02\x86q\x09K\x02K\x01\x86q\n\x89h\x00)Rq\x0btq\x0cRq\x0dX\x06\x00\x00\x00"
    ""
    "0.biasq\x0eh\x03((h\x04h\x05X\x01\x00\x00\x00"
    "1q\x0fh\x07K\x01tq\x10QK\x00K\x01\x85"
    "q\x11K\x01\x85q\x12\x89h\x00)Rq\x13tq\x14Rq\x15X\x08\x00\x00\x00"
    "1.weightq\x16h\x03"
    "((h\x04h\x05X\x01\x00\x00\x00"
    "2q\x17h\x07K\x01tq\x18QK\x00K\x01\x85q\x19K\x01\x85q"
    "\x1a\x89h\x00)Rq\x1btq\x1cRq\x1dX\x06\x00\x00\x00"
    "1.biasq\x1eh\x03((h\x04h\x05X\x01"
    "\x00\x00\x00"
    "3q\x1fh\x07K\x01tq QK\x00K\x01\x85q!K\x01\x85q\"\x89h\x00)Rq#tq$Rq%X\x0e"
    "\x00\x00\x00"
    "1.running_meanq&h\x03((h\x04h\x05X\x01\x00\x00\x00"
    "4q'h\x07K\x01tq("
    "QK\x00K\x01\x85q)K\x01\x85q*\x89h\x00)Rq+tq,Rq-X\x0d\x00\x00\x00"
    "1.running_varq.h\x03"
    "((h\x04h\x05X\x01\x00\x00\x00"
    "5q/h\x07K\x01tq0QK\x00K\x01\x85q1K\x01\x85q2\x89h\x00"
    ")Rq3tq4Rq5X\x15\x00\x00\x00"
    "1.num_batches_trackedq6h\x03((h\x04"
    "ctorch\nLongStor"
    "age\nq7X\x01\x00\x00\x00"
    "6q8h\x07K\x01tq9QK\x00))\x89h\x00)Rq:tq;Rq<u}q=X\x09\x00\x00"
    "\x00_metadataq>h\x00)Rq\?(X\x00\x00\x00\x00q@}qAX\x07\x00\x00\x00versionqBK\x01sX\x01"
    "\x00\x00\x00"
    "0qC}qDhBK\x01sX\x01\x00\x00\x00"
    "1qE}qFhBK\x02susb.");

// torch.nn.Parameter(torch.zeros(2))
const std::string kParameterPickle = pickle(
    "\x80\x02"
    "ctorch._utils\n_rebuild_parameter\nq\x00"
    "ctorch._utils\n_rebuild_tensor"
    "_v2\nq\x01((X\x07\x00\x00\x00storageq\x02"
    "ctorch\nFloatStorage\nq\x03X\x01\x00\x00"
    "\x00"
    "0q\x04X\x03\x00\x00\x00"
    "cpuq\x05K\x02tq\x06QK\x00K\x02\x85q\x07K\x01\x85q\x08"
    "\x89"
    "ccollections\nOrderedDict\nq\x09)Rq\ntq\x0bRq\x0c\x88h\x09)Rq\x0d\x87q\x0eRq\x0f"
    ".");

// torch.quantize_per_tensor(torch.zeros(2), 0.5, 3, torch.quint8)
const std::string kPerTensorPickle = pickle(
    "\x80\x02"
    "ctorch._utils\n_rebuild_qtensor\nq\x00((X\x07\x00\x00\x00storageq\x01"
    "c"
    "torch\nQUInt8Storage\nq\x02X\x01\x00\x00\x00"
    "0q\x03X\x03\x00\x00\x00"
    "cpuq\x04K\x02"
    "tq\x05QK\x00K\x02\x85q\x06K\x01\x85q\x07"
    "ctorch\nper_tensor_affine\nq\x08G\?\xe0\x00"
    "\x00\x00\x00\x00\x00K\x03\x87q\x09\x89"
    "ccollections\nOrderedDict\nq\n)Rq\x0btq\x0c"
    "Rq\x0d.");

// torch.quantize_per_channel(torch.zeros(2, 1), [0.5, 0.25], [0, 1], 0, torch.qint8)
const std::string kPerChannelPickle = pickle(
    "\x80\x02"
    "ctorch._utils\n_rebuild_qtensor\nq\x00((X\x07\x00\x00\x00storageq\x01"
    "c"
    "torch\nQInt8Storage\nq\x02X\x01\x00\x00\x00"
    "0q\x03X\x03\x00\x00\x00"
    "cpuq\x04K\x02"
    "tq\x05QK\x00K\x02K\x01\x86q\x06K\x01K\x01\x86q\x07(ctorch\nper_channel_affine\nq\x08"
    ""
    "ctorch._utils\n_rebuild_tensor_v2\nq\x09((h\x01"
    "ctorch\nDoubleStorage\nq\nX\x01\x00"
    "\x00\x00"
    "1q\x0bh\x04K\x02tq\x0cQK\x00K\x02\x85q\x0dK\x01\x85q\x0e\x89"
    "ccollectio"
    "ns\nOrderedDict\nq\x0f)Rq\x10tq\x11Rq\x12h\x09((h\x01"
    "ctorch\nLongStorage\nq\x13X\x01"
    "\x00\x00\x00"
    "2q\x14h\x04K\x02tq\x15QK\x00K\x02\x85q\x16K\x01\x85q\x17\x89h\x0f)Rq\x18"
    "tq\x19Rq\x1aK\x00tq\x1b\x89h\x0f)Rq\x1ctq\x1dRq\x1e.");

// [t, t.t(), t] with t = torch.arange(6.).reshape(2, 3)
const std::string kViewsPickle = pickle(
    "\x80\x02]q\x00(ctorch._utils\n_rebuild_tensor_v2\nq\x01((X\x07\x00\x00\x00storageq\x02"
    ""
    "ctorch\nFloatStorage\nq\x03X\x01\x00\x00\x00"
    "0q\x04X\x03\x00\x00\x00"
    "cpuq\x05K\x06"
    "tq\x06QK\x00K\x02K\x03\x86q\x07K\x03K\x01\x86q\x08\x89"
    "ccollections\nOrderedDict\n"
    "q\x09)Rq\ntq\x0bRq\x0ch\x01((h\x02h\x03h\x04h\x05K\x06tq\x0dQK\x00K\x03K\x02\x86q\x0e"
    "K\x01K\x03\x86q\x0f\x89h\x09)Rq\x10tq\x11Rq\x12h\x0c"
    "e.");

Tensor zeros(DType dtype, Shape shape) {
  const std::int64_t packed = items_per_byte(dtype);
  const std::int64_t bytes = (count_elements(shape) + packed - 1) / packed * item_bytes(dtype);
  return Tensor(Storage::allocate(static_cast<std::uint64_t>(bytes), dtype), dtype, shape);
}

Value version(std::int64_t number) {
  static const Value key("version");
  Dict entry;
  entry.set(key, number);
  return entry;
}

TEST(TensorEncoder, WritesStateDictsAsPytorch) {
  StateDict state_dict;
  state_dict.set("0.weight", zeros(DType::float32, {1, 2}));
  for (const char* name : {"0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var"}) {
    state_dict.set(name, zeros(DType::float32, {1}));
  }
  state_dict.set("1.num_batches_tracked", zeros(DType::int64, {}));
  state_dict.set_metadata(ordered_dict({{"", version(1)}, {"0", version(1)}, {"1", version(2)}}));
  const PtPickle written = encoded_pt(state_dict);
  EXPECT_EQ(written.bytes, kStateDictPickle);
  EXPECT_EQ(written.storages.size(), 7U);
}

TEST(TensorEncoder, WritesParametersAsPytorch) {
  Tensor parameter = zeros(DType::float32, {2});
  parameter.set_is_parameter(true);
  parameter.set_requires_grad(true);
  EXPECT_EQ(encoded_pt(parameter).bytes, kParameterPickle);
}

TEST(TensorEncoder, WritesQuantisedTensorsAsPytorch) {
  Tensor tensor = zeros(DType::quint8, {2});
  Quantizer quantizer;
  quantizer.scale = 0.5;
  quantizer.zero_point = 3;
  tensor.set_quantizer(std::make_shared<const Quantizer>(quantizer));
  EXPECT_EQ(encoded_pt(tensor).bytes, kPerTensorPickle);

  Tensor channels = zeros(DType::qint8, {2, 1});
  channels.set_quantizer(std::make_shared<const Quantizer>(
      Quantizer{.scheme = Quantizer::Scheme::per_channel_affine,
                .scales = Tensor::of<double>({0.5, 0.25}, {2}),
                .zero_points = Tensor::of<std::int64_t>({0, 1}, {2}),
                .axis = 0}));
  EXPECT_EQ(encoded_pt(channels).bytes, kPerChannelPickle);
}

TEST(TensorEncoder, WritesSharedStoragesAndSharedTensorsOnce) {
  const Tensor tensor = Tensor::of<float>({0, 1, 2, 3, 4, 5}, {2, 3});
  const Tensor transposed(tensor.storage(), DType::float32, {3, 2}, {1, 3});
  const Value shared = tensor;
  const PtPickle written = encoded_pt(list({shared, transposed, shared}));
  EXPECT_EQ(written.bytes, kViewsPickle);
  EXPECT_EQ(written.storages.size(), 1U);
}

TEST(TensorEncoder, RestoresEveryElementType) {
  for (const std::string_view type : {"uint8",           "int8",
                                      "int16",           "int32",
                                      "int64",           "float16",
                                      "float32",         "float64",
                                      "complex32",       "complex64",
                                      "complex128",      "bool",
                                      "qint8",           "quint8",
                                      "qint32",          "bfloat16",
                                      "quint4x2",        "quint2x4",
                                      "bits1x8",         "bits2x4",
                                      "bits4x2",         "bits8",
                                      "bits16",          "float8_e5m2",
                                      "float8_e4m3fn",   "float8_e5m2fnuz",
                                      "float8_e4m3fnuz", "uint16",
                                      "uint32",          "uint64",
                                      "float8_e8m0fnu",  "float4_e2m1fn_x2"}) {
    const DType dtype = *dtype_from_name(type);
    SCOPED_TRACE(name(dtype));
    Tensor tensor = zeros(dtype, {4, 2});
    if (is_quantized(dtype)) tensor.set_quantizer(std::make_shared<const Quantizer>());
    tensor.storage().mutable_bytes().front() = std::byte{1};
    const Value restored = round_trip(tensor);
    EXPECT_TRUE(equal(restored, tensor));
    EXPECT_EQ(restored.as_tensor().quantizer() != nullptr, is_quantized(dtype));
  }
}

TEST(TensorEncoder, WritesNewElementTypesAsBytesWithTheTypeBesideThem) {
  const PtPickle written = encoded_pt(zeros(DType::uint16, {3}));
  EXPECT_THAT(written.bytes, HasSubstr("ctorch._utils\n_rebuild_tensor_v3\n"));
  EXPECT_THAT(written.bytes, HasSubstr("ctorch.storage\nUntypedStorage\n"));
  EXPECT_THAT(written.bytes, HasSubstr("ctorch\nuint16\n"));
}

TEST(TensorEncoder, RefusesTwoElementTypesOverTheSameMemory) {
  const Tensor tensor = Tensor::of<float>({1, 2}, {2});
  const Tensor as_int(tensor.storage(), DType::int32, {2});
  EXPECT_ERROR(encoded_pt(list({tensor, as_int})), ErrorCode::unsupported,
               HasSubstr("view the same memory as different types"));
}

TEST(TensorEncoder, RefusesQuantisedTensorsWithoutScale) {
  EXPECT_ERROR(encoded_pt(zeros(DType::qint8, {1})), ErrorCode::invalid_argument,
               HasSubstr("without scale"));
}

TEST(TensorEncoder, GivesEveryEmptyTensorAStorageOfItsOwn) {
  const PtPickle written = encoded_pt(list({Tensor(), Tensor()}));
  EXPECT_EQ(written.storages.size(), 2U);
  EXPECT_EQ(decoded_pt(written)[1].as_tensor().shape(), Shape({0}));
}

TEST(TensorEncoder, LetsTensorsShareAnEmptyStorage) {
  const Storage empty = Storage::allocate(0, DType::float32);
  const Tensor one(empty, DType::float32, {0, 2});
  const Tensor other(empty, DType::float32, {3, 0});
  EXPECT_EQ(encoded_pt(list({one, other})).storages.size(), 1U);
}

TEST(TensorEncoder, CutsBytesThatMakeNoWholeElement) {
  const Storage storage = Storage::allocate(11);
  const PtPickle written = encoded_pt(Tensor(storage, DType::float32, {2}));
  ASSERT_EQ(written.storages.size(), 1U);
  EXPECT_EQ(written.storages[0].size_bytes(), 8U);
}

TEST(TensorEncoder, RestoresViewsFlagsLocationsAndBareStorages) {
  std::vector<float> memory = {0, 1, 2, 3, 4, 5, 6, 7};
  const Storage storage(reinterpret_cast<std::byte*>(memory.data()), 32, nullptr, DType::float32,
                        "cuda:1");
  Tensor view(storage, DType::float32, {2, 3}, {0, 2}, 1);
  view.set_requires_grad(true);
  const Value restored = round_trip(tuple({view, storage, Tensor(storage, DType::float32, {})}));
  const Tensor& tensor = restored[0].as_tensor();
  EXPECT_EQ(tensor.shape(), Shape({2, 3}));
  EXPECT_EQ(tensor.strides(), Shape({0, 2}));
  EXPECT_EQ(tensor.storage_offset(), 1);
  EXPECT_TRUE(tensor.requires_grad());
  EXPECT_FALSE(tensor.is_parameter());
  EXPECT_EQ(tensor.storage().location(), "cuda:1");
  EXPECT_TRUE(restored[1].as_storage().shares_memory_with(tensor.storage()));
  EXPECT_TRUE(restored[2].as_tensor().storage().shares_memory_with(tensor.storage()));
  EXPECT_EQ(restored[2].as_tensor().dim(), 0);
}

}  // namespace
}  // namespace torchkeep
