#include "data/element_runs.h"

#include <cstring>
#include <span>

#include "data/element.h"

namespace torchkeep::element {
namespace {

std::size_t item_of(const Tensor& tensor) {
  return static_cast<std::size_t>(item_bytes(tensor.dtype()));
}

}  // namespace

Rows rows_of(const Tensor& tensor) {
  Rows rows;
  rows.outer_dims = tensor.shape().size();
  bool has_stride = false;
  while (rows.outer_dims > 0) {
    const std::int64_t size = tensor.shape()[rows.outer_dims - 1];
    const std::int64_t stride = tensor.strides()[rows.outer_dims - 1];
    if (size != 1) {  // else the stride means nothing
      if (!has_stride) {
        rows.stride = stride;
        has_stride = true;
      } else if (stride != rows.length * rows.stride) {
        break;
      }
      rows.length *= size;
    }
    --rows.outer_dims;
  }
  return rows;
}

void copy_elements(const Tensor& tensor, std::int64_t begin, std::int64_t count, std::byte* to) {
  const std::size_t item = item_of(tensor);
  const std::span<std::byte> all(to, static_cast<std::size_t>(count) * item);
  const std::byte* storage = tensor.storage().bytes().data();
  for_each_run(tensor, begin, count, [&](std::int64_t at, std::int64_t run, std::int64_t stride) {
    const std::byte* from = storage + static_cast<std::size_t>(at) * item;
    const std::size_t bytes = static_cast<std::size_t>(run) * item;
    if (stride == 1 || run == 1) {
      std::memcpy(to, from, bytes);
    } else {
      const std::size_t step = static_cast<std::size_t>(stride) * item;
      for (std::size_t i = 0; i < bytes; i += item, from += step) std::memcpy(to + i, from, item);
    }
    to += bytes;
  });
  if (tensor.is_conjugated()) conjugate(all, tensor.dtype());
  if (tensor.is_negated()) negate(all, tensor.dtype());
}

const std::byte* elements(const Tensor& tensor,
                          std::int64_t begin,
                          std::int64_t count,
                          std::vector<std::byte>& scratch) {
  const std::size_t item = item_of(tensor);
  if (tensor.is_contiguous()) {
    return tensor.bytes().data() + static_cast<std::size_t>(begin) * item;
  }
  scratch.resize(static_cast<std::size_t>(count) * item);
  copy_elements(tensor, begin, count, scratch.data());
  return scratch.data();
}

void write_elements(const Tensor& tensor,
                    std::int64_t begin,
                    std::int64_t count,
                    const std::byte* from) {
  const std::size_t item = item_of(tensor);
  std::byte* storage = tensor.storage().mutable_bytes().data();
  for_each_run(tensor, begin, count, [&](std::int64_t at, std::int64_t run, std::int64_t stride) {
    std::byte* to = storage + static_cast<std::size_t>(at) * item;
    const std::size_t bytes = static_cast<std::size_t>(run) * item;
    if (stride == 1 || run == 1) {
      std::memcpy(to, from, bytes);
    } else {
      const std::size_t step = static_cast<std::size_t>(stride) * item;
      for (std::size_t i = 0; i < bytes; i += item, to += step) std::memcpy(to, from + i, item);
    }
    from += bytes;
  });
}

}  // namespace torchkeep::element
