// Any bytes as a file of NumPy, .npy or .npz. Checksums are ignored, so that arrays can be changed.
#include "fuzz_target.h"
#include "loading.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const MemoryFile file(data, size);
  using torchkeep::Verify;
  const torchkeep::Value value = fuzz::load(file.path(), torchkeep::Access::read, Verify::nothing);
  const torchkeep::Value mapped = fuzz::load(file.path(), torchkeep::Access::map, Verify::nothing);
  if (!equal(value, mapped)) __builtin_trap();
  return 0;
}
