#include <filesystem>
#include <string>

#include <torchkeep/inspect.h>
#include <torchkeep/save.h>

#include <gmock/gmock.h>

#include "io/atomic_file.h"
#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TemporaryDirectory;

TEST(Inspect, ListsTensorsValuesAndGlobals) {
  const TemporaryDirectory directory;
  const auto path = directory / "c.pt";
  save(dict({{"epoch", 3},
             {"model", ordered_dict({{"fc.weight", Tensor::of<float>({1, 2, 3, 4}, {2, 2})}})},
             {"counts", list({Tensor::of<std::int64_t>({7}, {1})})}}),
       path);
  const Summary summary = inspect(path);
  EXPECT_EQ(summary.path, path);
  EXPECT_EQ(summary.format, "pt");
  EXPECT_EQ(summary.file_bytes, std::filesystem::file_size(path));
  ASSERT_EQ(summary.tensors.size(), 2U);
  EXPECT_EQ(summary.tensors[0].name, "model.fc.weight");
  EXPECT_EQ(summary.tensors[0].dtype, DType::float32);
  EXPECT_EQ(summary.tensors[0].shape, (Shape{2, 2}));
  EXPECT_EQ(summary.tensors[0].bytes, 16U);
  EXPECT_FALSE(summary.tensors[0].sha256);
  EXPECT_EQ(summary.tensors[1].name, "counts.0");
  ASSERT_EQ(summary.values.size(), 1U);
  EXPECT_EQ(summary.values[0].first, "epoch");
  EXPECT_THAT(summary.globals, ElementsAre("collections.OrderedDict", "torch.FloatStorage",
                                           "torch.LongStorage", "torch._utils._rebuild_tensor_v2"));
}

TEST(Inspect, HashesTheElementsInRowMajorOrder) {
  const TemporaryDirectory directory;
  const Tensor base = Tensor::of<std::uint8_t>({'a', 'x', 'b', 'y', 'c', 'z'}, {3, 2});
  save(list({Tensor::of<std::uint8_t>({'a', 'b', 'c'}, {3}),
             Tensor(base.storage(), DType::uint8, {3}, {2})}),
       directory / "h.pt");
  const Summary summary = inspect(directory / "h.pt", {.hash = InspectOptions::Hash::sha256});
  for (const TensorSummary& tensor : summary.tensors) {
    EXPECT_EQ(tensor.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  }
}

TEST(Inspect, RefusesToHashWhatAStrideOfZeroMakesHuge) {
  const TemporaryDirectory directory;
  const Tensor base = Tensor::of<float>({1}, {1});
  save(dict({{"w", Tensor(base.storage(), DType::float32, {std::int64_t{1} << 33}, {0})}}),
       directory / "s.pt");
  EXPECT_EQ(inspect(directory / "s.pt").tensors[0].bytes, std::uint64_t{1} << 35);
  EXPECT_ERROR(inspect(directory / "s.pt", {.hash = InspectOptions::Hash::sha256}),
               ErrorCode::unsafe, HasSubstr("s.pt: w: "));
}

TEST(Inspect, FindsDamageWhenItHashes) {
  const TemporaryDirectory directory;
  save(Tensor(Storage::allocate(4000), DType::uint8, {4000}), directory / "d.pt");
  std::string bytes = io::read_file(directory / "d.pt");
  bytes[bytes.size() / 2] ^= 1;
  io::write_file(directory / "d.pt", bytes);
  EXPECT_EQ(inspect(directory / "d.pt").tensors.size(), 1U);
  EXPECT_ERROR(inspect(directory / "d.pt", {.hash = InspectOptions::Hash::sha256}),
               ErrorCode::corrupt, HasSubstr("data/0"));
}

TEST(Inspect, RefusesASharedValueThatWouldBecomeHuge) {
  const TemporaryDirectory directory;
  Value value = list({1, 2});
  for (int i = 0; i < 60; ++i) value = list({value, value});
  save(value, directory / "bomb.pt");
  InspectOptions options;
  options.limits.max_summary_bytes = 100'000;
  EXPECT_ERROR(inspect(directory / "bomb.pt", options), ErrorCode::unsafe,
               HasSubstr("max_summary_bytes"));
}

TEST(Inspect, NamesThePathInErrors) {
  EXPECT_ERROR(inspect("missing.pt"), ErrorCode::not_found, HasSubstr("missing.pt"));
}

}  // namespace
}  // namespace torchkeep
