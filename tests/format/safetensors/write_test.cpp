#include <filesystem>
#include <string>

#include <torchkeep/load.h>
#include <torchkeep/save.h>
#include <torchkeep/state_dict.h>

#include <gmock/gmock.h>

#include "format/safetensors/safetensors_bytes.h"
#include "io/atomic_file.h"
#include "support/expect_error.h"
#include "support/failing_file_operations.h"
#include "support/shared_data.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

using namespace std::string_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::safetensors_file;
using testing::shared_data;
using testing::TemporaryDirectory;

class SafetensorsWrite : public ::testing::Test {
 protected:
  std::string written(const Value& value, const SaveOptions& options = {}) {
    save(value, path_, options);
    return io::read_file(path_);
  }
  void expect_refused(const Value& value,
                      const std::string& text,
                      const SaveOptions& options = {}) {
    EXPECT_ERROR(save(value, path_, options), ErrorCode::unsupported,
                 AllOf(HasSubstr(path_.string()), HasSubstr(text)));
    EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
  }

  TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_ / "m.safetensors";
};

TEST_F(SafetensorsWrite, GivesTheBytesOfTheFormatsOwnWriter) {
  const Value value = dict({{"z", Tensor::of<float>({1}, {1})},
                            {"b", Tensor::of<std::uint8_t>({7}, {})},
                            {"a", Tensor::of<float>({2}, {1, 1})},
                            {"n", Tensor::of<std::int64_t>({3}, {1})},
                            {"empty", Tensor::of<float>({}, {0})}});
  EXPECT_EQ(written(value),
            safetensors_file(R"({"n":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},)"
                             R"("a":{"dtype":"F32","shape":[1,1],"data_offsets":[8,12]},)"
                             R"("empty":{"dtype":"F32","shape":[0],"data_offsets":[12,12]},)"
                             R"("z":{"dtype":"F32","shape":[1],"data_offsets":[12,16]},)"
                             R"("b":{"dtype":"U8","shape":[],"data_offsets":[16,17]}}   )",
                             "\3\0\0\0\0\0\0\0\0\0\0@\0\0\x80?\7"s));
}

TEST_F(SafetensorsWrite, WritesAnEmptyDict) {
  EXPECT_EQ(written(dict({})), safetensors_file("{}      ", ""));
}

TEST_F(SafetensorsWrite, EscapesNamesAsLittleAsJsonAllows) {
  const Value value = dict({{"a\"\\\n\x1f/\x7fé", Tensor::of<std::uint8_t>({1}, {1})}});
  EXPECT_THAT(written(value), HasSubstr("{\"a\\\"\\\\\\n\\u001f/\x7fé\":{"));
  EXPECT_TRUE(equal(Value(load(path_).as_state_dict()), Value(value.as_state_dict())));
}

TEST_F(SafetensorsWrite, KeepsMetadata) {
  const std::string file = written(dict({{"t", Tensor::of<std::uint8_t>({1}, {1})}}),
                                   {.metadata = {{"format", "pt"}, {"note", "a \"b\""}}});
  EXPECT_THAT(file, HasSubstr(R"({"__metadata__":{"format":"pt","note":"a \"b\""},"t":{)"));
  const Value loaded = load(path_);
  EXPECT_EQ(written(loaded), file);
  EXPECT_THAT(written(loaded, {.metadata = {{"format", "np"}}}),
              HasSubstr(R"({"__metadata__":{"format":"np","note":)"));
}

TEST_F(SafetensorsWrite, KeepsMetadataThroughAPt) {
  const std::string file =
      written(dict({{"t", Tensor::of<std::uint8_t>({1}, {1})}}), {.metadata = {{"format", "pt"}}});
  save(load(path_), directory_ / "m.pt");
  EXPECT_EQ(written(load(directory_ / "m.pt")), file);
}

TEST_F(SafetensorsWrite, RefusesMetadataThatIsNoText) {
  Dict tensors(Dict::Type::ordered);
  tensors.set_attributes(dict({{"__metadata__", dict({{"epoch", 3}})}}));
  expect_refused(tensors,
                 "__metadata__ of a safetensors file holds text only (got int under 'epoch')");
}

TEST_F(SafetensorsWrite, MakesViewsContiguous) {
  const Tensor base = Tensor::of<float>({0, 1, 2, 3, 4, 5}, {2, 3});
  const Tensor transposed(base.storage(), DType::float32, {3, 2}, {1, 3});
  written(dict({{"t", transposed}}));
  const Tensor loaded = load(path_)["t"].as_tensor();
  EXPECT_TRUE(loaded.is_contiguous());
  EXPECT_TRUE(equal(loaded, transposed));
}

TEST_F(SafetensorsWrite, WritesFourBitElementsOneByOne) {
  const Tensor tensor(Storage::allocate(6), DType::float4_e2m1fn_x2, {3, 2});
  EXPECT_THAT(written(dict({{"t", tensor}})), HasSubstr(R"("dtype":"F4","shape":[3,4])"));
  EXPECT_EQ(load(path_)["t"].as_tensor().shape(), (Shape{3, 2}));
}

TEST_F(SafetensorsWrite, RefusesWhatTheFormatCannotHold) {
  const Tensor tensor = Tensor::scalar(1.0F);
  expect_refused(tensor, "a safetensors file holds a dict of tensors (got tensor)");
  expect_refused(dict({{"epoch", 3}}), "epoch: a safetensors file holds tensors only (got int)");
  expect_refused(dict({{"state", dict({{"a", tensor}})}}),
                 "state: a safetensors file holds tensors only (got dict); save that dict alone");
  Dict numbered;
  numbered.set(1, tensor);
  expect_refused(numbered, "1: a safetensors file has names for keys (expected str, got int)");
  expect_refused(dict({{"c", Tensor(Storage::allocate(16), DType::complex128, {1})}}),
                 "c: a safetensors file cannot hold complex128 tensors");
  expect_refused(dict({{"q", Tensor(Storage::allocate(1), DType::quint8, {1})}}), "quint8");
  const Value sparse =
      Object::call(Object::global("torch._utils", "_rebuild_sparse_tensor"), tuple({}));
  expect_refused(dict({{"s", sparse}}),
                 "s: a safetensors file holds tensors only (got a sparse tensor)");
  expect_refused(dict({{"\xff", tensor}}), "text in UTF-8 only");
  EXPECT_ERROR(save(dict({{"__metadata__", tensor}}), path_), ErrorCode::invalid_argument,
               HasSubstr("no tensor of a safetensors file can have this name"));
  expect_refused(dict({{"f", Tensor(Storage::allocate(1), DType::float4_e2m1fn_x2, {})}}),
                 "without dimensions");
}

TEST_F(SafetensorsWrite, LeavesTheFirstNameOfTiedTensors) {
  const Tensor tensor = Tensor::of<float>({1, 2}, {2});
  const Value tied = dict({{"head", tensor}, {"embedding", tensor}});
  expect_refused(tied, "head: shares its memory with \"embedding\"");
  const std::string file = written(tied, {.shared = SharedTensors::keep_one});
  EXPECT_THAT(file, HasSubstr(R"({"__metadata__":{"head":"embedding"},"embedding":{)"));
  EXPECT_EQ(load(path_).size(), 1U);
  written(tied, {.shared = SharedTensors::copy});
  EXPECT_EQ(load(path_).size(), 2U);
}

TEST_F(SafetensorsWrite, GathersSmallTensors) {
  StateDict weights;
  for (int i = 0; i < 2000; ++i) {
    weights.set("layer." + std::to_string(i), Tensor::of<std::int32_t>({i}, {1}));
  }
  const testing::FailingFileOperations operations;
  save(weights, path_);
  EXPECT_LE(operations.calls().size(), 10U);
}

TEST(SafetensorsRealFiles, SurviveBeingWrittenAgain) {
  const std::filesystem::path path = shared_data("formats/silero_vad_16k.safetensors");
  SKIP_WITHOUT(path);
  const TemporaryDirectory directory;
  const std::filesystem::path once = directory / "once.safetensors";
  const std::filesystem::path twice = directory / "twice.safetensors";
  save(load(path), once);  // in another order: the file is not of the format's own writer
  const StateDict original = load(path).as_state_dict();
  const StateDict again = load(once).as_state_dict();
  EXPECT_EQ(again.size(), original.size());
  for (const auto& [name, tensor] : original) EXPECT_TRUE(equal(again[name], tensor)) << name;
  save(load(once), twice);
  EXPECT_TRUE(io::read_file(once) == io::read_file(twice));
}

}  // namespace
}  // namespace torchkeep
