#include "format/sharded/split.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>

namespace torchkeep::sharded {
namespace {

using ::testing::ElementsAre;

NamedTensor tensor(std::string name, std::int64_t bytes) {
  return {std::move(name),
          Tensor(Storage::allocate(static_cast<std::uint64_t>(bytes)), DType::uint8, {bytes})};
}

std::vector<std::string> names(const Split& split) {
  std::vector<std::string> result;
  for (const std::vector<NamedTensor>& shard : split.shards) {
    std::string joined;
    for (const NamedTensor& named : shard) joined += named.name;
    result.push_back(joined);
  }
  return result;
}

TEST(ShardedSplit, OpensAShardWhereTheNextTensorWouldNotFit) {
  const Split parts =
      split({tensor("a", 4), tensor("b", 6), tensor("c", 1), tensor("d", 10)}, 10, Sharing::none);
  EXPECT_THAT(names(parts), ElementsAre("ab", "c", "d"));
  EXPECT_EQ(parts.total_bytes, 21U);
}

TEST(ShardedSplit, GivesALargeTensorAShardOfItsOwn) {
  EXPECT_THAT(names(split({tensor("a", 4), tensor("b", 11), tensor("c", 6)}, 10, Sharing::none)),
              ElementsAre("ac", "b"));
}

TEST(ShardedSplit, KeepsTensorsThatShareAStorageTogether) {
  const NamedTensor a = tensor("a", 6);
  const NamedTensor view{"v", Tensor(a.tensor.storage(), DType::uint8, {2})};
  EXPECT_THAT(names(split({a, tensor("b", 6), view}, 10, Sharing::kept)), ElementsAre("av", "b"));
  EXPECT_EQ(split({a, view}, 10, Sharing::kept).total_bytes, 6U);
  EXPECT_EQ(split({a, view}, 10, Sharing::none).total_bytes, 8U);
}

TEST(ShardedSplit, TakesEmptyTensors) {
  EXPECT_THAT(names(split({tensor("a", 0), tensor("b", 0)}, 10, Sharing::kept)), ElementsAre("ab"));
  EXPECT_TRUE(split({}, 10, Sharing::none).shards.empty());
}

TEST(ShardedSplit, NamesShardsAsHuggingFaceDoes) {
  EXPECT_EQ(shard_name("d/model.safetensors", 1, 3), "model-00001-of-00003.safetensors");
  EXPECT_EQ(shard_name("pytorch_model.bin", 12, 123456), "pytorch_model-00012-of-123456.bin");
  EXPECT_EQ(index_path("d/model.safetensors"), "d/model.safetensors.index.json");
  EXPECT_TRUE(is_shard_name("d/model.safetensors", "model-00001-of-00003.safetensors"));
  for (const char* name : {"model.safetensors", "model-1-of-3.safetensors", "secret.txt",
                           "model-00001-of-00003.bin", "other-00001-of-00003.safetensors",
                           "model-0000x-of-00003.safetensors", "model-00001-00003.safetensors"}) {
    EXPECT_FALSE(is_shard_name("d/model.safetensors", name)) << name;
  }
}

}  // namespace
}  // namespace torchkeep::sharded
