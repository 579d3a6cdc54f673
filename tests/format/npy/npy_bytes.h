// NumPy's arrays, right or wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/byte_reader.h"

namespace torchkeep::testing {

// An array of that version with that text in its header.
inline std::string npy_file(std::string_view text, std::string_view elements, int version = 1) {
  std::string file = "\x93NUMPY";
  file += {static_cast<char>(version), '\0'};
  if (version == 1) {
    append_number(file, static_cast<std::uint16_t>(text.size()));
  } else {
    append_number(file, static_cast<std::uint32_t>(text.size()));
  }
  file += text;
  file += elements;
  return file;
}

inline std::string npy_file(std::string_view descr,
                            std::string_view order,
                            std::string_view shape,
                            std::string_view elements) {
  std::string text = "{'descr': '";
  text += descr;
  text += "', 'fortran_order': ";
  text += order;
  text += ", 'shape': ";
  text += shape;
  text += ", }\n";
  return npy_file(text, elements);
}

}  // namespace torchkeep::testing
