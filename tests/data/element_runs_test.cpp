#include "data/element_runs.h"

#include <cstring>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

namespace torchkeep::element {
namespace {

// Where element `index` of the tensor lies, by the definition of strides.
std::int64_t position(const Tensor& tensor, std::int64_t index) {
  std::int64_t at = tensor.storage_offset();
  for (std::size_t d = tensor.shape().size(); d-- > 0;) {
    at += index % tensor.shape()[d] * tensor.strides()[d];
    index /= tensor.shape()[d];
  }
  return at;
}

Tensor random_view(std::mt19937& random) {
  const auto below = [&](int n) {
    return static_cast<std::int64_t>(random() % static_cast<unsigned>(n));
  };
  Shape shape(static_cast<std::size_t>(below(5)));
  Shape strides(shape.size());
  std::int64_t last = below(4);
  const std::int64_t offset = last;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    shape[d] = 1 + below(4);
    strides[d] = below(8);
    last += (shape[d] - 1) * strides[d];
  }
  if (below(2) == 0) {  // often as tensors are
    strides = contiguous_strides(shape);
    if (shape.size() > 1 && below(2) == 0)
      std::swap(strides[0], strides[1]), std::swap(shape[0], shape[1]);
    last = offset + count_elements(shape);
  }
  std::vector<std::int32_t> values(static_cast<std::size_t>(last) + 1);
  std::iota(values.begin(), values.end(), 0);
  const Tensor flat = Tensor::of(std::span<const std::int32_t>(values), {last + 1});
  return Tensor(flat.storage(), DType::int32, shape, strides, offset);
}

TEST(ElementRuns, CoverEveryElementInOrder) {
  std::mt19937 random(1);
  for (int round = 0; round < 2'000; ++round) {
    const Tensor tensor = random_view(random);
    const auto count = tensor.numel();
    const std::int64_t begin = static_cast<std::int64_t>(random() % static_cast<unsigned>(count));
    const std::int64_t length =
        1 + static_cast<std::int64_t>(random() % static_cast<unsigned>(count - begin));
    std::vector<std::int32_t> copied(static_cast<std::size_t>(length));
    copy_elements(tensor, begin, length, reinterpret_cast<std::byte*>(copied.data()));
    for (std::int64_t i = 0; i < length; ++i) {
      ASSERT_EQ(copied[static_cast<std::size_t>(i)], position(tensor, begin + i))
          << to_string(tensor.shape()) << to_string(tensor.strides());
    }
    std::vector<std::byte> scratch;
    EXPECT_EQ(std::memcmp(elements(tensor, begin, length, scratch), copied.data(),
                          copied.size() * sizeof copied[0]),
              0);
  }
}

TEST(ElementRuns, AreOneForAContiguousTensor) {
  const Tensor tensor(Storage::allocate(24 * 4), DType::float32, {2, 3, 4});
  int runs = 0;
  for_each_run(tensor, 0, 24, [&](std::int64_t at, std::int64_t count, std::int64_t stride) {
    ++runs;
    EXPECT_EQ(at, 0);
    EXPECT_EQ(count, 24);
    EXPECT_EQ(stride, 1);
  });
  EXPECT_EQ(runs, 1);
}

TEST(ElementRuns, AreWrittenWhereTheyLie) {
  const Tensor base = Tensor::of<std::int32_t>({0, 0, 0, 0, 0, 0}, {2, 3});
  const Tensor transposed(base.storage(), DType::int32, {3, 2}, {1, 3});
  const std::vector<std::int32_t> values = {5, 6, 7};
  write_elements(transposed, 2, 3, reinterpret_cast<const std::byte*>(values.data()));
  std::vector<double> all;
  for (std::int64_t i = 0; i < 6; ++i) all.push_back(base.item_as_double(i));
  EXPECT_EQ(all, (std::vector<double>{0, 5, 7, 0, 6, 0}));
}

TEST(ElementRuns, GiveTheBytesThemselvesOfAContiguousTensor) {
  const Tensor tensor = Tensor::of<float>({1, 2, 3}, {3});
  std::vector<std::byte> scratch;
  EXPECT_EQ(elements(tensor, 1, 2, scratch), tensor.bytes().data() + 4);
  EXPECT_TRUE(scratch.empty());
}

}  // namespace
}  // namespace torchkeep::element
