// Memory that is taken and given back again and again in the same sizes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <unordered_map>

#include "io/memory.h"

namespace torchkeep::io {

// Keeps blocks that were given back for the next request of their size, so that their pages are
// touched for the first time only once. Sizes are rounded up to classes at most a quarter apart,
// from 1 MiB on to whole huge pages of 2 MiB, where the blocks begin. What is in use when it is
// destroyed is freed. Thread-safe.
class BlockCache {
 public:
  // Blocks that nobody uses stay while they are `max_free_bytes` together; beyond that the system
  // gets back those that were unused for longest.
  explicit BlockCache(std::uint64_t max_free_bytes) : max_free_bytes_(max_free_bytes) {}
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;

  // At least that many bytes, with undefined values. Throws io if the system has no more, not even
  // after it got back what nobody uses.
  void* take(std::size_t bytes);
  // False, with nothing done, for a pointer that take() did not give.
  bool give_back(void* block) noexcept;

  void set_max_free_bytes(std::uint64_t bytes);
  // Gives the system back what nobody uses.
  void release_free();

  struct Statistics {
    std::uint64_t used_bytes = 0;
    std::uint64_t free_bytes = 0;
    std::uint64_t reused = 0;       // blocks given out that were there
    std::uint64_t from_system = 0;  // and that were not
  };
  Statistics statistics() const;

 private:
  struct Block {
    explicit Block(std::size_t size_class) : memory(size_class), bytes(size_class) {}
    HugeBuffer memory;
    std::size_t bytes;
    std::uint64_t freed = 0;  // when, counted in blocks that were given back
  };
  using Blocks = std::list<Block>;

  void* take_free(std::size_t size_class);
  void* take_new(std::size_t size_class);
  void* use(Blocks& from);
  Blocks oldest_beyond(std::uint64_t free_bytes) noexcept;

  mutable std::mutex mutex_;
  std::uint64_t max_free_bytes_;
  Blocks used_;
  std::unordered_map<const void*, Blocks::iterator> place_;  // of the used ones
  std::map<std::size_t, Blocks> free_;  // by class; in each the one unused for longest first
  std::uint64_t given_back_ = 0;
  Statistics statistics_;
};

}  // namespace torchkeep::io
