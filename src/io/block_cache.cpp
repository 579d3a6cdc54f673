#include "io/block_cache.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/fail.h"

namespace torchkeep::io {
namespace {

constexpr std::size_t kPage = std::size_t{4} << 10;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kLeastHuge = std::size_t{1} << 20;  // as HugeBuffer has it

std::size_t class_of(std::size_t bytes) {
  if (bytes > std::numeric_limits<std::size_t>::max() / 2) {
    fail(ErrorCode::io, "cannot allocate {} bytes of memory", bytes);
  }
  const std::size_t magnitude = std::bit_floor(std::max(bytes, kPage));
  const std::size_t step =
      bytes < kLeastHuge ? std::max(kPage, magnitude / 4) : std::max(kHugePage, magnitude / 8);
  return (std::max(bytes, kPage) + step - 1) / step * step;
}

}  // namespace

void* BlockCache::take(std::size_t bytes) {
  const std::size_t size_class = class_of(bytes);
  if (void* block = take_free(size_class)) return block;
  try {
    return take_new(size_class);
  } catch (const Error&) {
    release_free();
    return take_new(size_class);
  }
}

void* BlockCache::take_free(std::size_t size_class) {
  const std::lock_guard lock(mutex_);
  Blocks& blocks = free_[size_class];  // there from now on: giving back allocates nothing
  if (blocks.empty()) return nullptr;
  Blocks last;
  last.splice(last.begin(), blocks, std::prev(blocks.end()));
  statistics_.free_bytes -= size_class;
  ++statistics_.reused;
  return use(last);
}

void* BlockCache::take_new(std::size_t size_class) {
  Blocks fresh;
  fresh.emplace_back(size_class);
  const std::lock_guard lock(mutex_);
  ++statistics_.from_system;
  return use(fresh);
}

void* BlockCache::use(Blocks& from) {
  void* const block = from.front().memory.bytes().data();
  place_.emplace(block, from.begin());
  statistics_.used_bytes += from.front().bytes;
  used_.splice(used_.end(), from);
  return block;
}

bool BlockCache::give_back(void* block) noexcept {
  Blocks too_many;  // go back to the system without the lock
  const std::lock_guard lock(mutex_);
  const auto found = place_.find(block);
  if (found == place_.end()) return false;
  const Blocks::iterator place = found->second;
  place_.erase(found);
  place->freed = ++given_back_;
  statistics_.used_bytes -= place->bytes;
  statistics_.free_bytes += place->bytes;
  Blocks& blocks = free_.find(place->bytes)->second;
  blocks.splice(blocks.end(), used_, place);
  too_many = oldest_beyond(max_free_bytes_);
  return true;
}

void BlockCache::set_max_free_bytes(std::uint64_t bytes) {
  Blocks too_many;
  const std::lock_guard lock(mutex_);
  max_free_bytes_ = bytes;
  too_many = oldest_beyond(bytes);
}

void BlockCache::release_free() {
  Blocks too_many;
  const std::lock_guard lock(mutex_);
  too_many = oldest_beyond(0);
}

BlockCache::Statistics BlockCache::statistics() const {
  const std::lock_guard lock(mutex_);
  return statistics_;
}

BlockCache::Blocks BlockCache::oldest_beyond(std::uint64_t free_bytes) noexcept {
  Blocks oldest;
  while (statistics_.free_bytes > free_bytes) {
    Blocks* from = nullptr;
    for (auto& [size_class, blocks] : free_) {
      if (blocks.empty()) continue;
      if (!from || blocks.front().freed < from->front().freed) from = &blocks;
    }
    statistics_.free_bytes -= from->front().bytes;
    oldest.splice(oldest.end(), *from, from->begin());
  }
  return oldest;
}

}  // namespace torchkeep::io
