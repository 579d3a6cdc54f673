// Whole safetensors files, right or wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/byte_reader.h"

namespace torchkeep::testing {

inline std::string safetensors_file(std::string_view header, std::string_view data) {
  std::string file;
  append_number(file, std::uint64_t{header.size()});
  file += header;
  file += data;
  return file;
}

}  // namespace torchkeep::testing
