#include <filesystem>
#include <string>

#include <torchkeep/load.h>

#include <gmock/gmock.h>

#include "format/dcp/dcp_directory.h"
#include "format/load_file.h"
#include "io/atomic_file.h"
#include "support/expect_error.h"
#include "support/temporary_directory.h"
#include "support/zip_builder.h"

namespace torchkeep {
namespace {

using ::testing::AllOf;
using testing::DcpDirectory;
using ::testing::HasSubstr;
using testing::TemporaryDirectory;

class Dcp : public ::testing::Test {
 protected:
  Value loaded(const LoadOptions& options = {}) {
    checkpoint_.write(directory_.path());
    return load(directory_.path(), options);
  }
  void expect_refused(ErrorCode code, const std::string& text) {
    checkpoint_.write(directory_.path());
    EXPECT_ERROR(load(directory_.path()), code,
                 AllOf(HasSubstr(directory_.path().string()), HasSubstr(text)));
  }
  static Tensor range(std::int64_t begin, const Shape& shape) {
    std::vector<float> values;
    for (std::int64_t i = 0; i < count_elements(shape); ++i) {
      values.push_back(static_cast<float>(begin + i));
    }
    return Tensor::of<float>(std::span<const float>(values), shape);
  }
  // A tensor "w" of four elements in one chunk, whose description can be changed.
  Object& one_tensor() {
    checkpoint_.add_tensor("w", "float32", {4}, {{{0}, range(0, {4})}});
    return checkpoint_.state_dict_metadata["w"].as_object();
  }
  Value& attribute(Object& object, const char* name) {
    return const_cast<Value&>(*object.state.find(name));
  }

  TemporaryDirectory directory_;
  DcpDirectory checkpoint_;
};

TEST_F(Dcp, GivesTensorsAndValues) {
  checkpoint_.add_tensor("w", "float32", {2, 2}, {{{0, 0}, range(0, {2, 2})}});
  checkpoint_.add_tensor("scalar", "int64", {}, {{{}, Tensor::scalar(std::int64_t{7})}});
  checkpoint_.add_value("epoch", 3);
  checkpoint_.add_value("args", dict({{"lr", 0.5}}));
  for (const Access access : {Access::read, Access::map}) {
    const Value value = loaded({.access = access, .verify = Verify::everything});
    EXPECT_TRUE(equal(value, dict({{"w", range(0, {2, 2})},
                                   {"scalar", Tensor::scalar(std::int64_t{7})},
                                   {"epoch", 3},
                                   {"args", dict({{"lr", 0.5}})}})));
  }
  const LoadedFile file = load_file(directory_.path(), {});
  EXPECT_EQ(file.format, "dcp");
  EXPECT_EQ(file.file_bytes, std::filesystem::file_size(directory_ / ".metadata") +
                                 std::filesystem::file_size(directory_ / "__0_0.distcp"));
  EXPECT_THAT(file.content.globals,
              AllOf(::testing::Contains("torch._utils._rebuild_tensor_v2"),
                    ::testing::Contains("torch.distributed.checkpoint.metadata.Metadata")));
}

TEST_F(Dcp, AssemblesRowsColumnsAndBlocks) {
  const auto rows = range(0, {3, 4});
  checkpoint_.add_tensor("rows", "float32", {3, 4},
                         {{{2, 0}, range(8, {1, 4})}, {{0, 0}, range(0, {2, 4})}});
  checkpoint_.add_tensor(
      "columns", "float32", {2, 2},
      {{{0, 0}, Tensor::of<float>({0, 2}, {2, 1})}, {{0, 1}, Tensor::of<float>({1, 3}, {2, 1})}});
  checkpoint_.add_tensor("blocks", "float32", {2, 3, 2},
                         {{{0, 0, 0}, Tensor::of<float>({0, 1, 6, 7}, {2, 1, 2})},
                          {{0, 1, 0}, Tensor::of<float>({2, 3, 4, 5}, {1, 2, 2})},
                          {{1, 1, 0}, Tensor::of<float>({8, 9, 10, 11}, {1, 2, 2})}});
  checkpoint_.add_tensor("vector", "float32", {5}, {{{0}, range(0, {2})}, {{2}, range(2, {3})}});
  for (const Access access : {Access::read, Access::map}) {
    const Value value = loaded({.access = access});
    EXPECT_TRUE(equal(value["rows"].as_tensor(), rows));
    EXPECT_TRUE(equal(value["columns"].as_tensor(), range(0, {2, 2})));
    EXPECT_TRUE(equal(value["blocks"].as_tensor(), range(0, {2, 3, 2})));
    EXPECT_TRUE(equal(value["vector"].as_tensor(), range(0, {5})));
  }
}

TEST_F(Dcp, CopiesChunksThatAreViews) {
  const Tensor base = Tensor::of<float>({0, 2, 1, 3}, {2, 2});
  const Tensor transposed(base.storage(), DType::float32, {2, 2}, {1, 2});
  checkpoint_.add_tensor("w", "float32", {3, 2},
                         {{{0, 0}, transposed}, {{2, 0}, range(4, {1, 2})}});
  EXPECT_TRUE(equal(loaded()["w"].as_tensor(), range(0, {3, 2})));
}

TEST_F(Dcp, TakesEmptyTensorsAndChunks) {
  checkpoint_.add_tensor("none", "float32", {0, 3}, {{{0, 0}, range(0, {0, 3})}});
  checkpoint_.add_tensor("w", "float32", {2}, {{{0}, range(0, {2})}, {{2}, range(0, {0})}});
  EXPECT_EQ(loaded()["none"].as_tensor().shape(), (Shape{0, 3}));
  EXPECT_EQ(loaded()["w"].as_tensor().numel(), 2);
}

TEST_F(Dcp, RestoresDictsAndLists) {
  checkpoint_.add_tensor("model.w", "float32", {1}, {{{0}, range(5, {1})}});
  checkpoint_.add_value("optim.groups.1.lr", 0.5);
  checkpoint_.add_value("optim.groups.0.lr", 0.25);
  checkpoint_.add_value("epoch", 3);
  checkpoint_.planner_data = dict({{"model.w", tuple({"model", "w"})},
                                   {"optim.groups.1.lr", tuple({"optim", "groups", 1, "lr"})},
                                   {"optim.groups.0.lr", tuple({"optim", "groups", 0, "lr"})},
                                   {"epoch", tuple({"epoch"})}});
  const Value value = loaded();
  EXPECT_EQ(value["model"]["w"].as_tensor().item_as_double(), 5.0);
  EXPECT_TRUE(equal(value["optim"]["groups"], list({dict({{"lr", 0.25}}), dict({{"lr", 0.5}})})));
  EXPECT_EQ(value["epoch"].as_int(), 3);
}

TEST_F(Dcp, KeepsFlatNamesWhereThePlannerSaysNothing) {
  checkpoint_.add_value("a.b", 3);
  checkpoint_.planner_data = list({1});
  EXPECT_EQ(loaded()["a.b"].as_int(), 3);
  checkpoint_.planner_data = dict({{"a.b", 1}});
  EXPECT_EQ(loaded()["a.b"].as_int(), 3);
}

TEST_F(Dcp, RefusesPathsThatContradictEachOther) {
  checkpoint_.add_value("x", 1);
  checkpoint_.add_value("y", 2);
  const std::pair<Value, const char*> paths[] = {
      {tuple({"a"}), "y: its path is taken"},
      {tuple({"a", "b"}), "y: its path contradicts"},
      {tuple({0}), "y: its path contradicts"},
      {tuple({"b", -1}), "y: its path contradicts"},
      {tuple({"b", 1'000'000}), "y: its path has the absurd list index 1000000"},
      {tuple({1.5}), "y: its path contradicts"},
  };
  for (const auto& [path, problem] : paths) {
    checkpoint_.planner_data = dict({{"x", tuple({"a"})}, {"y", path}});
    expect_refused(ErrorCode::corrupt, problem);
  }
}

TEST_F(Dcp, RefusesChunksThatDoNotFitTogether) {
  const auto expect = [&](const Shape& shape, const std::vector<std::pair<Shape, Tensor>>& chunks,
                          const char* problem) {
    checkpoint_ = DcpDirectory();
    checkpoint_.add_tensor("w", "float32", shape, chunks);
    expect_refused(ErrorCode::corrupt, problem);
  };
  expect({4}, {{{0}, range(0, {3})}}, "w: the chunks do not cover the tensor (expected 4");
  expect({4}, {}, "do not cover");
  expect({4}, {{{0}, range(0, {3})}, {{2}, range(0, {2})}}, "w: the chunks at [0] and [2] overlap");
  expect({2, 2},
         {{{0, 0}, range(0, {1, 2})}, {{0, 1}, range(0, {2, 1})}, {{1, 0}, range(0, {1, 1})}},
         "overlap");
  expect({4}, {{{1}, range(0, {4})}}, "w: the chunk of shape [4] at [1] lies outside the tensor");
  expect({4}, {{{0, 0}, range(0, {2, 2})}}, "lies outside");
  expect({}, {{{}, range(0, {})}, {{}, range(0, {})}}, "in two places");
}

TEST_F(Dcp, RefusesChunksThatAreNotWhatTheMetadataSays) {
  const auto replace = [&](const Value& value) {
    checkpoint_ = DcpDirectory();
    one_tensor();
    checkpoint_.storage_data = dict({});
    checkpoint_.add_location("w", DcpDirectory::size({0}),
                             checkpoint_.append(DcpDirectory::archive(value)));
  };
  replace(Tensor::of<double>({1, 2, 3, 4}, {4}));
  expect_refused(ErrorCode::corrupt, "(expected float32 [4], got float64 [4])");
  replace(range(0, {2, 2}));
  expect_refused(ErrorCode::corrupt, "(expected float32 [4], got float32 [2, 2])");
  replace(dict({}));
  expect_refused(ErrorCode::corrupt, "w: the chunk at [0] is no tensor but dict");
  replace(Tensor(range(0, {1}).storage(), DType::float32, {4}, {0}));
  expect_refused(ErrorCode::corrupt, "has fewer bytes than elements");
}

TEST_F(Dcp, RefusesTensorsThatNoMemoryCouldHold) {
  const Shape huge = {std::int64_t{1} << 40, std::int64_t{1} << 20};
  Object& tensor = one_tensor();
  attribute(tensor, "size") = DcpDirectory::size(huge);
  const Value chunk = attribute(tensor, "chunks")[0];
  attribute(chunk.as_object(), "sizes") = DcpDirectory::size(huge);
  attribute(chunk.as_object(), "offsets") = DcpDirectory::size({0, 0});
  checkpoint_.add_location("w", DcpDirectory::size({0, 0}),
                           DcpDirectory::storage_info("__0_0.distcp", 0, 100));
  expect_refused(ErrorCode::corrupt, "does not fit into its 100 bytes");
  const Shape absurd = {std::int64_t{1} << 40, std::int64_t{1} << 40};
  attribute(tensor, "size") = DcpDirectory::size(absurd);
  expect_refused(ErrorCode::corrupt, "w: ");
}

TEST_F(Dcp, RefusesLocationsThatAreWrong) {
  const auto expect = [&](Value info, ErrorCode code, const char* problem) {
    checkpoint_ = DcpDirectory();
    one_tensor();
    checkpoint_.storage_data = dict({});
    checkpoint_.add_location("w", DcpDirectory::size({0}), std::move(info));
    expect_refused(code, problem);
  };
  const auto info = DcpDirectory::storage_info;
  expect(info("../x", 0, 100), ErrorCode::unsafe, "leads out of the archive");
  expect(info("/etc/passwd", 0, 100), ErrorCode::unsafe, "is absolute");
  expect(info("gone.distcp", 0, 100), ErrorCode::not_found, "gone.distcp");
  expect(info("__0_0.distcp", 0, 1'000'000), ErrorCode::corrupt, "the file ends too early");
  expect(info("__0_0.distcp", INT64_MAX, INT64_MAX), ErrorCode::corrupt, "the file ends too early");
  expect(info("__0_0.distcp", 3, 100), ErrorCode::corrupt, "archive");
  expect(info("__0_0.distcp", -1, 100), ErrorCode::corrupt, "the offset is wrong");
  expect(info("__0_0.distcp", 0, -1), ErrorCode::corrupt, "the length is wrong");
  expect(list({}), ErrorCode::corrupt, "w: the pickle is wrong (expected _StorageInfo, got list)");
  Value transformed = info("__0_0.distcp", 0, 100);
  transformed.as_object().state.as_dict().set("transform_descriptors", list({"zstd"}));
  expect(transformed, ErrorCode::unsupported, "w: its bytes are transformed by ['zstd']");
}

TEST_F(Dcp, RefusesItemsInTheSameBytes) {
  one_tensor();
  const Value info = DcpDirectory::storage_info("__0_0.distcp", 1, 100);
  checkpoint_.state_dict_metadata.as_dict().set(
      "copy", DcpDirectory::instance("torch.distributed.checkpoint.metadata",
                                     "BytesStorageMetadata", Value()));
  checkpoint_.add_location("copy", Value(), info);
  expect_refused(ErrorCode::corrupt, "copy: lies in the same bytes of __0_0.distcp as \"w\"");
}

TEST_F(Dcp, RefusesMissingAndRepeatedLocations) {
  one_tensor();
  checkpoint_.add_location("w", DcpDirectory::size({0}),
                           DcpDirectory::storage_info("__0_0.distcp", 0, 1));
  expect_refused(ErrorCode::corrupt, "w: its data at [0] is in two places");
  checkpoint_.storage_data = dict({});
  expect_refused(ErrorCode::corrupt, "w: the checkpoint does not say where its data at [0] is");
  checkpoint_.storage_data = Value();
  expect_refused(ErrorCode::unsupported, "does not say in which files");
}

TEST_F(Dcp, RefusesMetadataOfAnotherKind) {
  const auto expect = [&](const char* name, const Value& value, const char* problem) {
    checkpoint_ = DcpDirectory();
    attribute(one_tensor(), name) = value;
    expect_refused(ErrorCode::corrupt, problem);
  };
  expect("size", 4, "w: the size is wrong (expected torch.Size, got int)");
  expect("size", tuple({-4}), "the size is wrong");
  expect("size", tuple({"4"}), "the size is wrong");
  expect("chunks", 1, "w: its chunks are no list");
  expect("chunks", list({1}), "expected ChunkStorageMetadata, got int");
  expect("properties", 1, "expected TensorProperties, got int");
  checkpoint_ = DcpDirectory();
  checkpoint_.state_dict_metadata.as_dict().set("w", 1);
  expect_refused(ErrorCode::corrupt, "expected BytesStorageMetadata, got int");
  checkpoint_.state_dict_metadata = 1;
  expect_refused(ErrorCode::corrupt, "has no dict state_dict_metadata");
  io::write_file(directory_ / ".metadata", "\x80\x02K\x01.");
  EXPECT_ERROR(load(directory_.path()), ErrorCode::corrupt,
               HasSubstr("expected Metadata, got int"));
  io::write_file(directory_ / ".metadata", "\x80\x02K\x01.x");
  EXPECT_ERROR(load(directory_.path()), ErrorCode::corrupt, HasSubstr("1 bytes follow the end"));
  EXPECT_ERROR(load(directory_.path(), {.limits = {.max_pickle_bytes = 3}}), ErrorCode::unsafe,
               HasSubstr("max_pickle_bytes"));
}

TEST_F(Dcp, ReadsTheDtypeOfAllVersions) {
  Object& tensor = one_tensor();
  attribute(tensor, "properties") = DcpDirectory::instance(
      "torch.distributed._shard.sharded_tensor.metadata", "TensorProperties",
      dict({{"dtype", Object::global("torch", "float32")}, {"pin_memory", false}}));
  EXPECT_EQ(loaded()["w"].as_tensor().dtype(), DType::float32);
  attribute(tensor, "properties") = DcpDirectory::properties("float3");
  expect_refused(ErrorCode::unsupported, "w: the dtype torch.float3 is unknown");
  attribute(tensor, "properties") = DcpDirectory::instance("m", "TensorProperties", dict({}));
  expect_refused(ErrorCode::corrupt, "the dtype is wrong");
}

TEST_F(Dcp, BoundsWhatAllArchivesInflateTo) {
  const std::string pickle = "\x80\x02K\x01.";
  const std::string blank(1000, '\0');
  const std::string archive = testing::build_zip({testing::stored("archive/data.pkl", pickle),
                                                  testing::deflated("archive/data/0", blank),
                                                  testing::stored("archive/version", "3\n")});
  for (const char* name : {"a", "b"}) {
    checkpoint_.state_dict_metadata.as_dict().set(
        name, DcpDirectory::instance("m", "BytesStorageMetadata", Value()));
    checkpoint_.add_location(name, Value(), checkpoint_.append(archive));
  }
  EXPECT_EQ(loaded().size(), 2U);
  EXPECT_ERROR(load(directory_.path(), {.limits = {.max_inflated_bytes = 1500}}), ErrorCode::unsafe,
               HasSubstr("b: "));
}

TEST_F(Dcp, ComparesChecksums) {
  one_tensor();
  const std::size_t element = checkpoint_.data.find(std::string("\0\0\x80?", 4));
  ASSERT_NE(element, std::string::npos);
  checkpoint_.data[element] = 1;
  expect_refused(ErrorCode::corrupt, "the bytes are damaged");
}

}  // namespace
}  // namespace torchkeep
