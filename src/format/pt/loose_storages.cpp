#include "format/pt/loose_storages.h"

#include <utility>

#include "base/fail.h"
#include "format/pt/tensor_codec.h"

namespace torchkeep::pt {
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
    const io::ReservedMemory::Part part = reserve(bytes);
    entry.storage = Storage(part.bytes.data(), bytes, part.owner, dtype, location);
  }
  entries_.push_back(std::move(entry));
  if (bytes > 0) by_memory_[entries_.back().storage.bytes().data()] = &entries_.back();
  return entries_.back().storage;
}

io::ReservedMemory::Part LooseStorages::reserve(std::uint64_t bytes) {
  try {
    return memory_.reserve(bytes);
  } catch (const Error&) {
    fail(ErrorCode::corrupt, "a storage of {} bytes", bytes);
  }
}

}  // namespace torchkeep::pt
