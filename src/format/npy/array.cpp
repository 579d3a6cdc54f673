#include "format/npy/array.h"

#include <algorithm>
#include <utility>

#include "base/from_file.h"
#include "data/byte_order.h"
#include "format/placed_storage.h"

namespace torchkeep::npy {
namespace {

Storage swapped(std::span<const std::byte> elements, DType dtype) {
  Storage storage = Storage::allocate(elements.size(), dtype);
  const std::span<std::byte> target = storage.mutable_bytes();
  std::ranges::copy(elements, target.begin());
  swap_byte_order(target, dtype);
  return storage;
}

}  // namespace

Tensor make_tensor(const ArrayHeader& header,
                   std::span<std::byte> elements,
                   const std::shared_ptr<const void>& owner) {
  return from_file([&] {
    const auto count = static_cast<std::uint64_t>(count_elements(header.shape));
    std::uint64_t needed = 0;
    if (__builtin_mul_overflow(count, static_cast<std::uint64_t>(item_bytes(header.dtype)),
                               &needed) ||
        needed != elements.size()) {
      fail(ErrorCode::corrupt, "{} {} does not match the bytes of the array (expected {}, got {})",
           name(header.dtype), to_string(header.shape), needed, elements.size());
    }
    Storage storage = header.is_big_endian ? swapped(elements, header.dtype)
                                           : place_storage(elements, owner, header.dtype);
    Shape strides =
        header.is_fortran_order ? fortran_strides(header.shape) : contiguous_strides(header.shape);
    return Tensor(std::move(storage), header.dtype, header.shape, std::move(strides));
  });
}

std::span<const std::byte> ArrayFile::elements() const {
  if (tensor.numel() == 0) return {};
  const std::int64_t begin = tensor.storage_offset() * item_bytes(tensor.dtype());
  return tensor.storage().bytes().subspan(static_cast<std::size_t>(begin),
                                          static_cast<std::size_t>(tensor.size_bytes()));
}

ArrayFile make_array(const Tensor& tensor) {
  const bool stays = tensor.is_contiguous() || is_fortran_order(tensor);
  // Before a copy is made: it may be of a type that NumPy has not.
  std::string header = make_header(tensor);
  return {std::move(header), stays ? tensor : tensor.contiguous()};
}

}  // namespace torchkeep::npy
