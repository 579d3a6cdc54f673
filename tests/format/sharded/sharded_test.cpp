#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>
#include <string>

#include <torchkeep/inspect.h>
#include <torchkeep/load.h>
#include <torchkeep/save.h>
#include <torchkeep/state_dict.h>

#include <gmock/gmock.h>

#include "format/load_file.h"
#include "io/atomic_file.h"
#include "support/expect_error.h"
#include "support/failing_file_operations.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TemporaryDirectory;

class Sharded : public ::testing::Test {
 protected:
  std::set<std::string> files() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory_.path())) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }

  static StateDict weights() {
    StateDict weights;
    weights.set("z", Tensor::of<float>({1, 2}, {2}));
    weights.set("b", Tensor::of<std::int64_t>({3}, {1}));
    weights.set("a", Tensor::of<float>({4}, {1}));
    return weights;
  }

  // An index of two shards that hold "a" and "b".
  void write_two(const std::string& index) {
    save(dict({{"a", Tensor::scalar(1.0F)}}), directory_ / "1.safetensors");
    save(dict({{"b", Tensor::scalar(2.0F)}}), directory_ / "2.pt");
    io::write_file(index_, index);
  }

  TemporaryDirectory directory_;
  fs::path index_ = directory_ / "m.safetensors.index.json";
};

TEST_F(Sharded, ReadsShardsOfAnyFormatInTheOrderOfTheIndex) {
  write_two(R"({"weight_map":{"b":"2.pt","a":"1.safetensors"}})");
  for (const Access access : {Access::read, Access::map}) {
    const LoadedFile loaded = load_file(index_, {.access = access});
    EXPECT_EQ(loaded.format, "sharded");
    EXPECT_EQ(loaded.file_bytes, fs::file_size(index_) +
                                     fs::file_size(directory_ / "1.safetensors") +
                                     fs::file_size(directory_ / "2.pt"));
    const StateDict state_dict = loaded.content.value.as_state_dict();
    EXPECT_EQ(state_dict.begin()->name, "b");
    EXPECT_EQ(state_dict["a"].item_as_double(), 1.0);
    EXPECT_THAT(loaded.content.globals, ::testing::Contains("torch._utils._rebuild_tensor_v2"));
  }
}

TEST_F(Sharded, AddsWhatOnlyAShardKnows) {
  write_two(R"({"a":"1.safetensors"})");
  save(dict({{"a", Tensor::scalar(1.0F)}, {"extra", Tensor::scalar(3.0F)}}),
       directory_ / "1.safetensors");
  EXPECT_EQ(load(index_)["extra"].as_tensor().item_as_double(), 3.0);
}

TEST_F(Sharded, KeepsMetadataThatAllShardsHave) {
  const SaveOptions metadata = {.metadata = {{"format", "pt"}}};
  write_two(R"({"a":"1.safetensors","c":"3.safetensors"})");
  save(dict({{"a", Tensor::scalar(1.0F)}}), directory_ / "1.safetensors", metadata);
  save(dict({{"c", Tensor::scalar(1.0F)}}), directory_ / "3.safetensors", metadata);
  EXPECT_EQ(load(index_).as_dict().attributes()["__metadata__"]["format"].as_string(), "pt");
  save(dict({{"c", Tensor::scalar(1.0F)}}), directory_ / "3.safetensors");
  EXPECT_TRUE(load(index_).as_dict().attributes().is_none());
}

TEST_F(Sharded, SaysWhichShardIsMissingOrWrong) {
  write_two(R"({"a":"1.safetensors","b":"gone.pt"})");
  EXPECT_ERROR(load(index_), ErrorCode::not_found,
               AllOf(HasSubstr("gone.pt"), HasSubstr("there is no such file")));
  write_two(R"({"a":"1.safetensors","x":"2.pt"})");
  EXPECT_ERROR(load(index_), ErrorCode::corrupt,
               AllOf(HasSubstr("2.pt"), HasSubstr("x: the index says that this shard has")));
  write_two(R"({"a":"2.pt","b":"1.safetensors"})");
  EXPECT_ERROR(load(index_), ErrorCode::corrupt, HasSubstr("but it has not"));
  write_two(R"({"a":"1.safetensors","b":"2.pt"})");
  save(dict({{"a", Tensor::scalar(2.0F)}}), directory_ / "2.pt");
  EXPECT_ERROR(load(index_), ErrorCode::corrupt, HasSubstr("a: is in another shard as well"));
  save(list({1}), directory_ / "2.pt");
  EXPECT_ERROR(load(index_), ErrorCode::corrupt, HasSubstr("holds no dict of tensors (got list)"));
  save(dict({{"b", 1}}), directory_ / "2.pt");
  EXPECT_ERROR(load(index_), ErrorCode::corrupt, HasSubstr("b: is no tensor with a name"));
  io::write_file(directory_ / "2.pt", "text");
  EXPECT_ERROR(load(index_), ErrorCode::unsupported, HasSubstr("2.pt: this is a text file"));
}

TEST_F(Sharded, RefusesShardsThatAreNoFiles) {
  write_two(R"({"a":"m.safetensors.index.json"})");
  EXPECT_ERROR(load(index_), ErrorCode::corrupt, HasSubstr("is no shard of a state dict"));
  fs::create_directory(directory_ / "d");
  write_two(R"({"a":"d"})");
  EXPECT_ERROR(load(index_), ErrorCode::corrupt, HasSubstr("is no shard of a state dict"));
}

TEST_F(Sharded, IsRecognisedByItsName) {
  io::write_file(directory_ / "m.json", "{\"weight_map\":{}}");
  EXPECT_ERROR(load(directory_ / "m.json"), ErrorCode::unsupported, HasSubstr("text file"));
  io::write_file(index_, "weights");
  EXPECT_ERROR(load(index_), ErrorCode::unsupported, HasSubstr("text file"));
}

TEST_F(Sharded, WritesWhatItReads) {
  for (const char* name : {"m.safetensors", "m.bin", "m.npz"}) {
    SCOPED_TRACE(name);
    save(weights(), directory_ / name, {.max_shard_bytes = 8});
    const fs::path index = directory_ / (std::string(name) + ".index.json");
    const std::string extension = fs::path(name).extension().string();
    EXPECT_THAT(files(), ::testing::IsSupersetOf(
                             {"m-00001-of-00003" + extension, "m-00002-of-00003" + extension,
                              "m-00003-of-00003" + extension, index.filename().string()}));
    const StateDict loaded = load(index).as_state_dict();
    EXPECT_EQ(loaded.begin()->name, "a");  // the index is sorted
    for (const auto& [key, tensor] : weights()) EXPECT_TRUE(equal(loaded[key], tensor));
  }
}

TEST_F(Sharded, WritesOneFileWhereAllFits) {
  save(weights(), directory_ / "m.safetensors", {.max_shard_bytes = 1000});
  EXPECT_THAT(files(), ElementsAre("m.safetensors"));
}

TEST_F(Sharded, KeepsSharingAndMetadataOfAPt) {
  StateDict tied = weights();
  tied.set("alias", tied["z"]);
  tied.set_metadata(ordered_dict({{"", dict({{"version", 1}})}}));
  save(tied, directory_ / "m.bin", {.max_shard_bytes = 8});
  const StateDict loaded = load(directory_ / "m.bin.index.json").as_state_dict();
  EXPECT_TRUE(loaded["alias"].storage().shares_memory_with(loaded["z"].storage()));
  EXPECT_TRUE(equal(loaded.metadata(), tied.metadata()));
}

TEST_F(Sharded, NotesTheNamesOfTiedTensorsInEachShard) {
  StateDict tied = weights();
  tied.set("alias", tied["z"]);
  EXPECT_ERROR(save(tied, directory_ / "m.safetensors", {.max_shard_bytes = 8}),
               ErrorCode::unsupported, HasSubstr("z: shares its memory with \"alias\""));
  EXPECT_TRUE(files().empty());
  save(tied, directory_ / "m.safetensors",
       {.max_shard_bytes = 8, .shared = SharedTensors::keep_one});
  const Value loaded = load(index_);
  EXPECT_EQ(loaded.size(), 3U);
  EXPECT_EQ(loaded.as_dict().attributes()["__metadata__"]["z"].as_string(), "alias");
}

TEST_F(Sharded, RemovesWhatAnEarlierSaveLeft) {
  const fs::path path = directory_ / "m.safetensors";
  save(weights(), path);
  save(weights(), path, {.max_shard_bytes = 8});
  EXPECT_EQ(files().size(), 4U);
  EXPECT_FALSE(files().contains("m.safetensors"));
  save(weights(), path, {.max_shard_bytes = 16});
  EXPECT_THAT(files(), ElementsAre("m-00001-of-00002.safetensors", "m-00002-of-00002.safetensors",
                                   "m.safetensors.index.json"));
  save(weights(), path, {.max_shard_bytes = 1000});
  EXPECT_THAT(files(), ElementsAre("m.safetensors"));
}

TEST_F(Sharded, RemovesNothingElse) {
  io::write_file(directory_ / "secret.txt", "x");
  io::write_file(index_, R"({"a":"secret.txt"})");
  save(weights(), directory_ / "m.safetensors", {.max_shard_bytes = 1000});
  EXPECT_THAT(files(), ElementsAre("m.safetensors", "secret.txt"));
}

TEST_F(Sharded, RefusesWhatCannotBeSplit) {
  EXPECT_ERROR(save(Tensor::scalar(1.0F), directory_ / "m.npy", {.max_shard_bytes = 8}),
               ErrorCode::invalid_argument, HasSubstr("a npy file cannot be split"));
  EXPECT_ERROR(save(weights(), directory_ / "m.pt", {.max_shard_bytes = 0}),
               ErrorCode::invalid_argument, HasSubstr("max_shard_bytes is 0"));
  EXPECT_ERROR(save(dict({{"epoch", 1}}), directory_ / "m.pt", {.max_shard_bytes = 8}),
               ErrorCode::unsupported, HasSubstr("epoch: "));
  EXPECT_TRUE(files().empty());
}

TEST_F(Sharded, LeavesNothingBehindWhereWritingFails) {
  const fs::path path = directory_ / "m.safetensors";
  std::size_t writes = 0;
  {
    const testing::FailingFileOperations operations;
    save(weights(), path, {.max_shard_bytes = 8});
    writes = static_cast<std::size_t>(std::ranges::find(operations.calls(), "rename") -
                                      operations.calls().begin());
  }
  for (const std::string& name : files()) fs::remove(directory_ / name);
  for (std::size_t call = 0; call < writes; ++call) {
    SCOPED_TRACE(call);
    const testing::FailingFileOperations operations(call, ENOSPC);
    try {
      save(weights(), path, {.max_shard_bytes = 8});
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::io);
    }
    for (const std::string& name : files()) EXPECT_FALSE(name.ends_with(".tmp")) << name;
    for (const std::string& name : files()) fs::remove(directory_ / name);
  }
}

}  // namespace
}  // namespace torchkeep
