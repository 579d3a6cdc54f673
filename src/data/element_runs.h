// The elements of a tensor in row-major order, a part at a time, wherever they lie.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <torchkeep/tensor.h>

namespace torchkeep::element {

// How a tensor's elements lie: rows of `length` elements that are `stride` apart. A contiguous
// tensor is one row.
struct Rows {
  std::size_t outer_dims = 0;  // those that a row does not span
  std::int64_t length = 1;
  std::int64_t stride = 1;
};
Rows rows_of(const Tensor& tensor);

// Calls `visit(position, count, stride)` for the elements [begin, begin + count): `count` elements
// of the storage from index `position` on, `stride` apart. Not for packed types.
template <class Visit>
void for_each_run(const Tensor& tensor, std::int64_t begin, std::int64_t count, Visit visit) {
  const Rows rows = rows_of(tensor);
  while (count > 0) {
    std::int64_t position = tensor.storage_offset() + begin % rows.length * rows.stride;
    std::int64_t row = begin / rows.length;
    for (std::size_t d = rows.outer_dims; d-- > 0;) {
      position += row % tensor.shape()[d] * tensor.strides()[d];
      row /= tensor.shape()[d];
    }
    const std::int64_t run = std::min(count, rows.length - begin % rows.length);
    visit(position, run, rows.stride);
    begin += run;
    count -= run;
  }
}

// Copies the elements [begin, begin + count) to `to`.
void copy_elements(const Tensor& tensor, std::int64_t begin, std::int64_t count, std::byte* to);

// The bytes of those elements: where they lie, or copied to `scratch` where they lie apart.
const std::byte* elements(const Tensor& tensor,
                          std::int64_t begin,
                          std::int64_t count,
                          std::vector<std::byte>& scratch);

// Overwrites those elements in the tensor's storage.
void write_elements(const Tensor& tensor,
                    std::int64_t begin,
                    std::int64_t count,
                    const std::byte* from);

}  // namespace torchkeep::element
