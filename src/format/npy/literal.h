// The Python literal in the header of a NumPy array, read as data.
#pragma once

#include <string>
#include <string_view>

#include <torchkeep/tensor.h>

namespace torchkeep::npy {

struct HeaderFields {
  std::string descr;  // the type, such as "<f4"
  bool fortran_order = false;
  Shape shape;
};

// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }` and nothing more than that:
// these three keys in any order, each once. Throws corrupt with the byte offset; unsupported for a
// type with fields.
HeaderFields parse_literal(std::string_view text);

}  // namespace torchkeep::npy
