#include "data/tensor_hash.h"

#include <algorithm>

#include "io/checksum.h"

namespace torchkeep {
namespace {

// Elements that lie apart are copied to be hashed: as many as the storage has, or this much.
constexpr std::uint64_t kMostExpandedBytes = std::uint64_t{1} << 30;

}  // namespace

std::string sha256_of_elements(const Tensor& tensor) {
  io::Sha256 sha256;
  if (tensor.is_contiguous()) {
    sha256.update(tensor.bytes());
  } else {
    const std::uint64_t most = std::max(tensor.storage().size_bytes(), kMostExpandedBytes);
    sha256.update(tensor.contiguous(most).bytes());
  }
  return sha256.hex_digest();
}

}  // namespace torchkeep
