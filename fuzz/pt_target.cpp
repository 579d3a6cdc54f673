// Any bytes as a file, through load(). Tensors that come out lie in memory that is theirs.
#include "fuzz_target.h"
#include "loading.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const MemoryFile file(data, size);
  fuzz::load(file.path(), torchkeep::Access::read);
  fuzz::load(file.path(), torchkeep::Access::map);
  return 0;
}
