#include "format/pt/storage_ranges.h"

#include <string>

#include <torchkeep/load.h>
#include <torchkeep/save.h>

#include <gtest/gtest.h>

#include "io/atomic_file.h"
#include "support/temporary_directory.h"

namespace torchkeep::pt {
namespace {

Tensor part(const Tensor& base, std::int64_t offset, std::int64_t size, std::int64_t stride = 1) {
  return Tensor(base.storage(), base.dtype(), {size}, {stride}, offset);
}

Tensor numbers(std::int64_t count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  return Tensor::of(std::span<const float>(values), {count});
}

TEST(StorageRanges, GoFromTheFirstToTheLastElementOfAnyTensor) {
  const Tensor base = numbers(100);
  const auto range = [&](const Value& value) {
    return StorageRanges::used_by(value).of(base.storage());
  };
  EXPECT_EQ(range(part(base, 10, 5)), (Range{40, 60}));
  EXPECT_EQ(range(part(base, 10, 5, 3)), (Range{40, 92}));
  EXPECT_EQ(range(list({part(base, 10, 5), part(base, 50, 2)})), (Range{40, 208}));
  EXPECT_EQ(range(list({part(base, 10, 5), base})), (Range{0, 400}));
  EXPECT_EQ(range(list({part(base, 10, 5), base.storage()})), (Range{0, 400}));
  EXPECT_EQ(range(part(base, 10, 0)), (Range{0, 0}));
  EXPECT_EQ(StorageRanges().of(base.storage()), (Range{0, 400}));
}

TEST(StorageRanges, SeeTensorsInsideOfObjectsAndAttributes) {
  const Tensor base = numbers(100);
  Object object = Object::instance(Object::global("m", "C"), tuple({part(base, 30, 1)}));
  object.state = dict({{"a", part(base, 20, 1)}});
  Dict ordered(Dict::Type::ordered);
  ordered.set_attributes(dict({{"_metadata", part(base, 40, 1)}}));
  EXPECT_EQ(StorageRanges::used_by(list({object, ordered})).of(base.storage()), (Range{80, 164}));
}

TEST(StorageRanges, BeginAtAMultipleOfTheLargestElement) {
  const Storage bytes = Storage::allocate(64);
  const Tensor small(bytes, DType::float8_e5m2, {1}, {1}, 19);
  const Tensor large(bytes, DType::uint64, {1}, {1}, 3);
  EXPECT_EQ(StorageRanges::used_by(list({small, large})).of(bytes), (Range{16, 32}));
}

TEST(StorageRanges, KeepPackedStoragesWhole) {
  const Storage packed = Storage::allocate(10, DType::quint4x2);
  Tensor tensor(packed, DType::quint4x2, {4});
  tensor.set_quantizer(std::make_shared<const Quantizer>());
  EXPECT_EQ(StorageRanges::used_by(tensor).of(packed), (Range{0, 10}));
}

TEST(StorageRanges, MakeSmallFilesOfSmallViews) {
  testing::TemporaryDirectory directory;
  const Tensor base = numbers(100'000);
  const Value views =
      dict({{"a", part(base, 500, 10)}, {"b", part(base, 505, 20, 2)}, {"none", part(base, 7, 0)}});
  save(views, directory / "compact.pt");
  save(views, directory / "whole.pt", {.storages = Storages::whole});
  EXPECT_LT(std::filesystem::file_size(directory / "compact.pt"), 4'000U);
  EXPECT_GT(std::filesystem::file_size(directory / "whole.pt"), 400'000U);
  for (const char* name : {"compact.pt", "whole.pt"}) {
    const Value again = load(directory / name);
    EXPECT_TRUE(equal(again, views));
    EXPECT_TRUE(
        again["a"].as_tensor().storage().shares_memory_with(again["b"].as_tensor().storage()));
  }
}

TEST(StorageRanges, ChangeNothingWhereEverythingIsUsed) {
  testing::TemporaryDirectory directory;
  const Tensor base = numbers(100);
  const Value value = dict({{"a", base}, {"b", part(base, 5, 5)}, {"c", numbers(3)}});
  save(value, directory / "a.pt", {.root_name = "m"});
  save(value, directory / "b.pt", {.root_name = "m", .storages = Storages::whole});
  EXPECT_EQ(io::read_file(directory / "a.pt"), io::read_file(directory / "b.pt"));
}

}  // namespace
}  // namespace torchkeep::pt
