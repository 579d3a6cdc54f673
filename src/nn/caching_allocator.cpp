#include <atomic>

#include <torchkeep/caching_allocator.h>

#include <c10/core/CPUAllocator.h>
#include <unistd.h>

#include "base/fail.h"
#include "io/block_cache.h"
#include "nn/libtorch_version.h"

namespace torchkeep {
namespace caching_allocator_detail {

// The memory of smaller tensors is not given back to the system by malloc anyway.
constexpr std::size_t kLeastCached = std::size_t{64} << 10;

std::uint64_t quarter_of_memory() {
  return static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) / 4;
}

class CachingAllocator final : public CpuAllocator {
 public:
  // Lives as long as any tensor may: for ever.
  static CachingAllocator& instance() {
    static CachingAllocator& allocator = *new CachingAllocator;
    return allocator;
  }

  c10::DataPtr take(std::size_t bytes) const final {
    if (bytes < kLeastCached) return previous_->allocate(bytes);
    void* const block = cache_.take(bytes);
    return {block, block, &release, c10::Device(c10::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const final { return &release; }

  io::BlockCache& cache() const { return cache_; }

 private:
  CachingAllocator() : previous_(c10::GetCPUAllocator()), cache_(quarter_of_memory()) {}

  // LibTorch may hand the pointer of a small tensor to raw_deleter().
  static void release(void* block) {
    const CachingAllocator& self = instance();
    if (!self.cache_.give_back(block)) self.previous_->raw_deallocate(block);
  }

  c10::Allocator* previous_;
  mutable io::BlockCache cache_;
};

std::atomic<bool> installed = false;

}  // namespace caching_allocator_detail

void install_caching_allocator(const CachingAllocatorOptions& options) {
  namespace detail = caching_allocator_detail;
  detail::CachingAllocator& allocator = detail::CachingAllocator::instance();
  allocator.cache().set_max_free_bytes(
      options.max_cached_bytes.value_or(detail::quarter_of_memory()));
  c10::SetCPUAllocator(&allocator);
  if (c10::GetCPUAllocator() != &allocator) {
    fail(ErrorCode::unsupported, "an allocator of higher priority is installed in LibTorch");
  }
  detail::installed = true;
}

void release_cached_memory() {
  namespace detail = caching_allocator_detail;
  if (detail::installed) detail::CachingAllocator::instance().cache().release_free();
}

CachingAllocatorStatistics caching_allocator_statistics() {
  namespace detail = caching_allocator_detail;
  if (!detail::installed) return {};
  const auto statistics = detail::CachingAllocator::instance().cache().statistics();
  return {statistics.used_bytes, statistics.free_bytes, statistics.reused, statistics.from_system};
}

}  // namespace torchkeep
