#include "inspect/restore_legacy.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/fail.h"
#include "base/printable.h"
#include "format/legacy/header.h"
#include "format/legacy/persistent_ids.h"
#include "format/pickle/stream.h"
#include "format/pt/tensor_codec.h"
#include "io/reserved_memory.h"
#include "io/section.h"

namespace torchkeep::inspection {
namespace {

using Condition = RestoredTensor::Condition;

class Restorer {
 public:
  Restorer(const Probe& probe, const RepairOptions& options)
      : section_(probe.file()),
        stream_(section_, options.limits),
        options_(options),
        memory_(probe.file()->size() * 2 + kLeastChunk) {}

  Restored run() {
    try {
      order_ = legacy::read_header(stream_);
      read_object();
    } catch (const Error& error) {
      restored_.notes.push_back("the object cannot be read: " + error.problem());
      return std::move(restored_);
    }
    restored_.has_value = true;
    for (const auto& [key, storage] : storages_) {
      if (storage.size_bytes() == 0) continue;
      restored_.storages[storage.bytes().data()] = {storage.size_bytes(), Condition::lost, 0,
                                                    "the file ends before storage " + key};
    }
    try {
      read_storages();
    } catch (const Error& error) {
      restored_.notes.push_back("the list of storages cannot be read: " + error.problem());
    }
    return std::move(restored_);
  }

 private:
  static constexpr std::uint64_t kLeastChunk = std::uint64_t{1} << 20;

  void read_object() {
    pt::TensorDecoder tensors(
        [this](const std::string& key, std::optional<DType> dtype, const std::string& location,
               std::uint64_t bytes) {
          const io::ReservedMemory::Part part = memory_.reserve(bytes);
          return storages_[key] = Storage(part.bytes.data(), bytes, part.owner, dtype, location);
        },
        options_.limits);
    pickle::DecodeHooks hooks = tensors.hooks();
    legacy::PersistentIds ids(std::move(hooks.persistent_load));
    hooks.persistent_load = [&ids](const Value& id) { return ids.load(id); };
    restored_.value = stream_.next_pickle(hooks).value;
  }

  void read_storages() {
    const Value keys = stream_.next_pickle().value;
    if (!keys.is_list()) fail(ErrorCode::corrupt, "a {} stands in its place", name(keys.kind()));
    for (const Value& key : keys.as_list()) {
      const auto found = key.is_string() ? storages_.find(key.as_string()) : storages_.end();
      if (found == storages_.end()) {
        fail(ErrorCode::corrupt, "the object has no storage {}", printable(to_string(key)));
      }
      if (stream_.remaining() < sizeof(std::uint64_t)) return;
      read_storage(found->first, found->second);
    }
  }

  void read_storage(const std::string& key, const Storage& storage) {
    const std::uint64_t item =
        storage.dtype() ? static_cast<std::uint64_t>(item_bytes(*storage.dtype())) : 1;
    const std::uint64_t count = stream_.next_u64();
    const std::uint64_t expected = storage.size_bytes() / item;
    if (count != expected && legacy::decode_count(count, order_) != expected) {
      restored_.notes.push_back(
          fmt::format("the size of storage {} is damaged (expected {} elements, got {})",
                      printable(key), expected, count));
    }
    if (storage.size_bytes() == 0) return;
    StorageState& state = restored_.storages.at(storage.bytes().data());
    state.available = std::min(storage.size_bytes(), stream_.remaining());
    state.content = Condition::unverified;
    state.reason = state.available < storage.size_bytes()
                       ? fmt::format("storage {} has {} of {} bytes", key, state.available,
                                     storage.size_bytes())
                       : "there is no checksum for its bytes";
    section_.read(stream_.position(),
                  storage.mutable_bytes().first(static_cast<std::size_t>(state.available)));
    stream_.skip(state.available);
  }

  io::Section section_;
  pickle::Stream stream_;
  const RepairOptions& options_;
  io::ReservedMemory memory_;
  legacy::CountOrder order_ = legacy::CountOrder::little;
  std::unordered_map<std::string, Storage> storages_;
  Restored restored_;
};

}  // namespace

Restored restore_legacy(const Probe& probe, const RepairOptions& options) {
  return Restorer(probe, options).run();
}

}  // namespace torchkeep::inspection
