#include "format/pt/loose_storages.h"

#include <algorithm>
#include <utility>

#include "base/fail.h"
#include "format/pt/tensor_codec.h"

namespace torchkeep::pt {
namespace {

constexpr std::uint64_t kAlignment = 64;

}  // namespace

pickle::Decoded LooseStorages::decode(std::span<const std::byte> pickle, const Limits& limits) {
  TensorDecoder tensors(
      [this](const std::string& key, std::optional<DType> dtype, const std::string& location,
             std::uint64_t bytes) { return load(key, dtype, location, bytes); },
      limits);
  return pickle::decode(pickle, tensors.hooks(), limits);
}

const LooseStorages::Entry* LooseStorages::find(const Storage& storage) const {
  const auto found = by_memory_.find(storage.bytes().data());
  return storage.size_bytes() == 0 || found == by_memory_.end() ? nullptr : found->second;
}

Storage LooseStorages::load(const std::string& key,
                            std::optional<DType> dtype,
                            const std::string& location,
                            std::uint64_t bytes) {
  Entry entry{key, archive_.find("data/" + key), Storage(nullptr, 0, nullptr, dtype, location)};
  if (bytes > 0) {
    const std::span<std::byte> memory = reserve(bytes);
    entry.storage = Storage(memory.data(), bytes, chunk_, dtype, location);
  }
  entries_.push_back(std::move(entry));
  if (bytes > 0) by_memory_[entries_.back().storage.bytes().data()] = &entries_.back();
  return entries_.back().storage;
}

// Many storages share a chunk: a system allows few mappings.
std::span<std::byte> LooseStorages::reserve(std::uint64_t bytes) {
  if (bytes > UINT64_MAX / 2) fail(ErrorCode::corrupt, "a storage of {} bytes", bytes);
  const std::uint64_t needed = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (needed > free_.size()) {
    try {
      chunk_ = std::make_shared<const io::HugeBuffer>(std::max(needed, chunk_bytes_));
    } catch (const Error&) {
      fail(ErrorCode::corrupt, "a storage of {} bytes", bytes);
    }
    free_ = chunk_->bytes();
  }
  const std::span<std::byte> memory = free_.first(static_cast<std::size_t>(needed));
  free_ = free_.subspan(static_cast<std::size_t>(needed));
  return memory;
}

}  // namespace torchkeep::pt
