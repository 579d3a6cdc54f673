// Any bytes as a tar archive of torch.save. The checksums of the headers are set right first, which
// no fuzzer would guess.
#include <string>

#include <fmt/format.h>

#include "fuzz_target.h"
#include "loading.h"

namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kChecksum = 148;
constexpr std::size_t kChecksumBytes = 8;
constexpr std::size_t kMagic = 257;

void set_checksums(std::string& bytes) {
  for (std::size_t begin = 0; begin + kBlock <= bytes.size(); begin += kBlock) {
    if (bytes.compare(begin + kMagic, 5, "ustar") != 0) continue;
    bytes.replace(begin + kChecksum, kChecksumBytes, kChecksumBytes, ' ');
    unsigned sum = 0;
    for (std::size_t i = 0; i < kBlock; ++i) sum += static_cast<std::uint8_t>(bytes[begin + i]);
    bytes.replace(begin + kChecksum, 7, fmt::format("{:06o}", sum) + '\0');
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  set_checksums(bytes);
  const MemoryFile file(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  const torchkeep::Value value = fuzz::load(file.path(), torchkeep::Access::read);
  if (!equal(value, fuzz::load(file.path(), torchkeep::Access::map))) __builtin_trap();
  return 0;
}
