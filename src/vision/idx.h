// The idx files of MNIST: arrays of bytes behind a header of sizes, usually compressed by gzip.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <torchkeep/tensor.h>

namespace torchkeep {

// An array of unsigned bytes in row-major order.
struct IdxArray {
  Shape shape = {};
  std::shared_ptr<std::string> content = {};  // of the whole file, inflated
  std::size_t first = 0;                      // where the elements begin in it

  std::uint8_t* data() const { return reinterpret_cast<std::uint8_t*>(content->data()) + first; }
};

// Throws not_found, io, corrupt, unsupported for other elements than unsigned bytes, unsafe for a
// file that claims to inflate to more than a gibibyte.
IdxArray read_idx(const std::filesystem::path& path);

}  // namespace torchkeep
