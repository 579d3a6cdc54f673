// The header of a NumPy array. The layout is in docs/format/npy.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <torchkeep/tensor.h>

namespace torchkeep::npy {

constexpr std::string_view kMagic{"\x93NUMPY", 6};
// The magic, the version and the longest length of a header.
constexpr std::size_t kMostPrefixBytes = 12;

struct ArrayHeader {
  DType dtype = DType::float32;
  bool is_big_endian = false;
  bool is_fortran_order = false;  // the first index runs fastest
  Shape shape;
  std::uint64_t bytes = 0;  // of the header itself, which the elements follow
};

// How many bytes the header has that begins so. Throws corrupt, also where it is absurdly long;
// unsupported for an unknown version.
std::uint64_t header_bytes(std::string_view start);

// Reads a whole header. Throws corrupt; unsupported for elements that are no numbers or that
// PyTorch has not. Python objects are never read: they are pickled code.
ArrayHeader parse_header(std::string_view header);

// The header for such a tensor, as NumPy writes it. Throws unsupported for types that NumPy has
// not.
std::string make_header(const Tensor& tensor);

// Whether the elements lie in Fortran's order, and only in that.
bool is_fortran_order(const Tensor& tensor);

// The strides of an array whose first index runs fastest.
Shape fortran_strides(const Shape& shape);

}  // namespace torchkeep::npy
