// Sparse tensors: objects whose parts are checked.
#include <string>
#include <vector>

#include <torchkeep/tensor.h>
#include <torchkeep/value.h>

#include <gmock/gmock.h>

#include "data/leaves.h"
#include "format/pt/pt_pickle.h"
#include "support/expect_error.h"

namespace torchkeep {
namespace {

using testing::decoded_pt;
using ::testing::ElementsAre;
using testing::encoded_pt;
using ::testing::HasSubstr;

Tensor ints(std::initializer_list<std::int64_t> values, Shape shape) {
  return Tensor::of<std::int64_t>(values, std::move(shape));
}

Tensor floats(Shape shape) {
  const auto bytes = static_cast<std::uint64_t>(count_elements(shape)) * 4;
  return Tensor(Storage::allocate(bytes, DType::float32), DType::float32, std::move(shape));
}

Value size_of(const Shape& shape) {
  return Object::call(Object::global("torch", "Size"),
                      tuple({Tuple{List(shape.begin(), shape.end())}}));
}

Value sparse(const std::string& layout, std::initializer_list<Value> parts) {
  const Value name = Object::call(Object::global("torch.serialization", "_get_layout"),
                                  tuple({"torch.sparse_" + layout}));
  return Object::call(Object::global("torch._utils", "_rebuild_sparse_tensor"),
                      tuple({name, tuple(parts)}));
}

Value coo(const Value& indices, const Value& values, const Shape& shape) {
  return sparse("coo", {indices, values, size_of(shape)});
}

Value csr(const Value& rows, const Value& columns, const Value& values, const Shape& shape) {
  return sparse("csr", {rows, columns, values, size_of(shape)});
}

void expect_kept(const Value& call) {
  const Value once = decoded_pt(encoded_pt(call));
  EXPECT_TRUE(once.is_object());
  EXPECT_EQ(encoded_pt(once).bytes, encoded_pt(call).bytes);
}

void expect_refused(const Value& call, const std::string& problem) {
  EXPECT_ERROR(decoded_pt(encoded_pt(call)), ErrorCode::corrupt, HasSubstr(problem));
}

TEST(Sparse, TensorsOfEveryLayoutAreKept) {
  expect_kept(coo(ints({0, 2, 1, 0}, {2, 2}), floats({2}), {3, 3}));
  expect_kept(coo(ints({0, 2}, {1, 2}), floats({2, 4}), {3, 4}));
  expect_kept(coo(ints({}, {2, 0}), floats({0}), {2, 3}));
  expect_kept(coo(ints({}, {0, 1}), floats({1}), {}));
  const Tensor pointers = ints({0, 1, 3}, {3});
  const Tensor indices = ints({2, 0, 1}, {3});
  expect_kept(csr(pointers, indices, floats({3}), {2, 3}));
  expect_kept(sparse("csc", {pointers, indices, floats({3}), size_of({3, 2})}));
  expect_kept(sparse("bsr", {pointers, indices, floats({3, 2, 3}), size_of({4, 9})}));
  expect_kept(sparse("bsc", {pointers, indices, floats({3, 2, 3}), size_of({6, 6})}));
  // Of two matrices at once.
  expect_kept(
      csr(ints({0, 1, 2, 0, 0, 2}, {2, 3}), ints({0, 1, 1, 0}, {2, 2}), floats({2, 2}), {2, 2, 2}));
}

TEST(Sparse, PartsAreNamed) {
  const Value value = dict({{"w", coo(ints({0}, {1, 1}), floats({1}), {3})},
                            {"v", csr(ints({0, 1}, {2}), ints({0}, {1}), floats({1}), {1, 2})}});
  std::vector<std::string> names;
  visit_leaves(value, [&](const std::string& name, const Value& leaf) {
    if (leaf.is_tensor()) names.push_back(name);
  });
  EXPECT_THAT(names,
              ElementsAre("w.indices", "w.values", "v.crow_indices", "v.col_indices", "v.values"));
}

TEST(Sparse, RefusesIndicesOutOfBounds) {
  expect_refused(coo(ints({0, 3}, {1, 2}), floats({2}), {3}), "indices of 3");
  expect_refused(coo(ints({0, -1}, {1, 2}), floats({2}), {3}), "indices of -1");
  expect_refused(coo(ints({0}, {1, 1}), floats({1}), {0}), "indices of 0");
  expect_refused(csr(ints({0, 1}, {2}), ints({2}, {1}), floats({1}), {1, 2}), "indices of 2");
}

TEST(Sparse, RefusesPointersThatDoNotRise) {
  const Tensor indices = ints({0, 1, 0}, {3});
  for (const auto& pointers :
       std::vector<Tensor>{ints({1, 2, 3}, {3}), ints({0, 1, 2}, {3}), ints({0, 4, 3}, {3}),
                           ints({0, -1, 3}, {3}), ints({0, 0, 3}, {3})}) {
    expect_refused(csr(pointers, indices, floats({3}), {2, 2}), "compressed indices");
  }
}

TEST(Sparse, RefusesPartsThatDoNotFit) {
  const Tensor pointers = ints({0, 1, 3}, {3});
  const Tensor indices = ints({2, 0, 1}, {3});
  expect_refused(coo(ints({0, 1}, {1, 2}), floats({3}), {3}), "equally many");
  expect_refused(coo(ints({0}, {1}), floats({1}), {3}), "equally many");
  expect_refused(coo(ints({0, 1}, {2, 1}), floats({1}), {3}), "do not fit");
  expect_refused(coo(ints({0}, {1, 1}), floats({1, 5}), {3, 4}), "do not fit");
  expect_refused(coo(ints({0}, {1, 1}), floats({1}), {-3}), "negative size");
  expect_refused(coo(7, floats({1}), {3}), "indices that are no tensor");
  expect_refused(coo(ints({0}, {1, 1}), 7, {3}), "values that are no tensor");
  expect_refused(csr(pointers, indices, floats({4}), {2, 3}), "equally many");
  expect_refused(csr(pointers, indices, floats({3}), {3, 3}), "do not fit the size");
  expect_refused(csr(pointers, indices, floats({3}), {3}), "different dimensions");
  expect_refused(sparse("bsr", {pointers, indices, floats({3, 2, 3}), size_of({5, 9})}), "blocks");
  expect_refused(sparse("bsr", {pointers, indices, floats({3, 0, 3}), size_of({4, 9})}), "blocks");
  expect_refused(sparse("bsr", {pointers, indices, floats({3}), size_of({4, 9})}), "blocks");
  expect_refused(coo(Tensor::of<float>({0}, {1, 1}), floats({1}), {3}), "type float32");
  expect_refused(sparse("coo", {ints({0}, {1, 1})}), "no values");
}

TEST(Sparse, RefusesIndicesThatTakeForEverToCheck) {
  const Tensor one = ints({0}, {1});
  const Tensor many(one.storage(), DType::int64, {1, std::int64_t{1} << 34}, {0, 0});
  const Tensor values(floats({1}).storage(), DType::float32, {std::int64_t{1} << 34}, {0});
  EXPECT_ERROR(decoded_pt(encoded_pt(coo(many, values, {3}))), ErrorCode::unsafe,
               HasSubstr("stride of 0"));
  List repeated;
  const Tensor indices(Storage::allocate(8000, DType::int64), DType::int64, {1, 1000});
  for (int i = 0; i < 100; ++i) repeated.push_back(coo(indices, floats({1000}), {3}));
  Limits limits;
  limits.max_value_bytes = 600'000;
  EXPECT_ERROR(decoded_pt(encoded_pt(repeated), limits), ErrorCode::unsafe,
               HasSubstr("max_value_bytes"));
}

}  // namespace
}  // namespace torchkeep
