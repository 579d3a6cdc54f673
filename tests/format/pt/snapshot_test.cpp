#include "format/pt/snapshot.h"

#include <memory>
#include <vector>

#include <torchkeep/save.h>

#include <gtest/gtest.h>

#include "support/temporary_directory.h"
#include "support/test_file.h"

namespace torchkeep::pt {
namespace {

Value sample() {
  const Tensor weight = Tensor::of<float>(std::vector<float>(300'000, 1.5F), {300, 1000});
  const Tensor row(weight.storage(), DType::float32, {1000}, {1}, 5000);
  return dict({{"weight", weight},
               {"row", row},
               {"empty", Tensor()},
               {"nested", list({tuple({1, Tensor::scalar<double>(2.0)}), "text", Value()})},
               {"ordered", ordered_dict({{"x", Tensor::scalar<std::int64_t>(7)}})}});
}

std::shared_ptr<io::BlockCache> cache() {
  return std::make_shared<io::BlockCache>(std::uint64_t{1} << 30);
}

TEST(Snapshot, HoldsWhatTheValueHeld) {
  const Value value = sample();
  const Value copy = snapshot(value, cache());
  EXPECT_TRUE(equal(copy, value));
  EXPECT_TRUE(
      copy["weight"].as_tensor().storage().shares_memory_with(copy["row"].as_tensor().storage()));
  EXPECT_FALSE(copy["weight"].as_tensor().storage().shares_memory_with(
      value["weight"].as_tensor().storage()));
}

TEST(Snapshot, DoesNotSeeWhatChangesAfterwards) {
  const Value value = sample();
  const Value copy = snapshot(value, cache());
  for (std::byte& byte : value["weight"].as_tensor().storage().mutable_bytes()) byte = {};
  value["nested"].as_list().clear();
  value.as_dict().set("new", 1);
  EXPECT_TRUE(equal(copy, sample()));
}

TEST(Snapshot, IsWrittenAsTheValueWouldBe) {
  const testing::TemporaryDirectory directory;
  const Value value = sample();
  const Value small(Tensor(value["weight"].as_tensor().storage(), DType::float32, {3}, {1}, 9));
  for (const Value& each : {value, dict({{"part", small}})}) {
    const SaveOptions options{.root_name = "x", .manifest = Manifest::sha256};
    save(each, directory / "a.pt", options);
    save(snapshot(each, cache()), directory / "b.pt", options);
    EXPECT_EQ(testing::file_content(directory / "a.pt"), testing::file_content(directory / "b.pt"));
  }
}

TEST(Snapshot, UsesItsMemoryAgain) {
  const auto memory = cache();
  for (int i = 0; i < 3; ++i) snapshot(sample(), memory);
  EXPECT_EQ(memory->statistics().from_system, 1U);
  EXPECT_EQ(memory->statistics().used_bytes, 0U);
}

}  // namespace
}  // namespace torchkeep::pt
