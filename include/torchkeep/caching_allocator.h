// Memory for LibTorch's tensors on the CPU that is kept and used again.
#pragma once

#include <cstdint>
#include <optional>

namespace torchkeep {

struct CachingAllocatorOptions {
  // How much memory that no tensor uses any more is kept. Nothing: a quarter of the machine's.
  std::optional<std::uint64_t> max_cached_bytes = std::nullopt;
};

// From now on LibTorch takes the memory of tensors of 64 KiB and more on the CPU from a cache of
// blocks, in huge pages where they are large. Each step of a training needs the same sizes again,
// and memory whose pages are touched already is much cheaper than new one; results stay the same
// to the bit. Smaller tensors, and those that exist, are freed by the allocator that was there
// before. Called again, it only changes the options.
//
// Call it at the start of a program, before other threads use LibTorch. Throws unsupported where
// an allocator of higher priority is installed.
void install_caching_allocator(const CachingAllocatorOptions& options = {});

// Gives the system back what no tensor uses.
void release_cached_memory();

struct CachingAllocatorStatistics {
  std::uint64_t used_bytes = 0;    // by tensors
  std::uint64_t cached_bytes = 0;  // by none
  std::uint64_t reused = 0;        // allocations that the cache could serve
  std::uint64_t from_system = 0;   // and that it could not
};
// All zero if it was never installed. Thread-safe, as the function above.
CachingAllocatorStatistics caching_allocator_statistics();

}  // namespace torchkeep
