#include "io/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/fail.h"
#include "io/input_file.h"
#include "io/system_error.h"

namespace torchkeep::io {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
// Below, a huge page would take more memory than it saves time.
constexpr std::size_t kLeastHugeBuffer = std::size_t{1} << 20;

std::byte* map_memory(std::size_t size) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) fail(ErrorCode::io, "cannot allocate {} bytes of memory", size);
  return static_cast<std::byte*>(memory);
}

std::size_t page_bytes() {
  static const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

void unmap(std::span<std::byte> bytes) {
  if (!bytes.empty()) munmap(bytes.data(), bytes.size());
}

// Maps more than needed and gives back what lies around the aligned part.
std::byte* map_aligned(std::size_t size) {
  std::byte* memory = map_memory(size + kHugePage);
  const std::size_t misaligned = reinterpret_cast<std::uintptr_t>(memory) % kHugePage;
  const std::size_t before = misaligned == 0 ? 0 : kHugePage - misaligned;
  unmap({memory, before});
  unmap({memory + before + size, kHugePage - before});
  return memory + before;
}

}  // namespace

// A part of a file is mapped from the page on in which it begins.
MappedFile::MappedFile(const InputFile& file) {
  const auto size = static_cast<std::size_t>(file.size());
  if (size == 0) return;
  const std::uint64_t before = file.begin() % page_bytes();
  void* memory = mmap(nullptr, size + before, PROT_READ | PROT_WRITE, MAP_PRIVATE,
                      file.descriptor(), static_cast<off_t>(file.begin() - before));
  if (memory == MAP_FAILED) throw_system_error(file.path(), "map");
  bytes_ = {static_cast<std::byte*>(memory) + before, size};
}

MappedFile::~MappedFile() {
  if (bytes_.empty()) return;
  const std::size_t before = reinterpret_cast<std::uintptr_t>(bytes_.data()) % page_bytes();
  unmap({bytes_.data() - before, bytes_.size() + before});
}

HugeBuffer::HugeBuffer(std::uint64_t size) {
  if (size == 0) return;
  if (size > SIZE_MAX / 2) fail(ErrorCode::io, "cannot allocate {} bytes of memory", size);
  const auto bytes = static_cast<std::size_t>(size);
  if (bytes < kLeastHugeBuffer) {
    bytes_ = {map_memory(bytes), bytes};
    return;
  }
  const std::size_t rounded = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  bytes_ = {map_aligned(rounded), rounded};
  // Only advice: where the system does not take it, the pages are small.
  madvise(bytes_.data(), rounded, MADV_HUGEPAGE);
}

HugeBuffer::~HugeBuffer() { unmap(bytes_); }

}  // namespace torchkeep::io
