// How tensors and storages stand in a pickle of torch.save: calls of torch._utils._rebuild_* whose
// storages are persistent ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <torchkeep/limits.h>
#include <torchkeep/storage.h>
#include <torchkeep/value.h>

#include "base/seeded_hash.h"
#include "format/pickle/decode.h"
#include "format/pickle/encode.h"
#include "format/pt/content_checks.h"
#include "format/pt/storage_ranges.h"

namespace torchkeep::pt {

// Builds tensors while a pickle is decoded. What it does not build stays an inert object that holds
// its parts: sparse, nested and meta tensors, subclasses that wrap others, tensors with hooks.
class TensorDecoder {
 public:
  // Gives the storage with that key; called once for each key. `dtype` is nothing for an untyped
  // storage. The result must have `bytes` bytes, its element type and its location.
  using LoadStorage = std::function<Storage(const std::string& key,
                                            std::optional<DType> dtype,
                                            const std::string& location,
                                            std::uint64_t bytes)>;

  explicit TensorDecoder(LoadStorage load_storage, const Limits& limits = {});
  TensorDecoder(const TensorDecoder&) = delete;
  TensorDecoder& operator=(const TensorDecoder&) = delete;

  // The hooks refer to this decoder. They throw corrupt for calls with wrong arguments, for tensors
  // that leave their storage and for storages that contradict themselves, and unsafe for tensors
  // over Limits::max_logical_bytes.
  pickle::DecodeHooks hooks();

  // Checks what depends on the bytes of the storages, once they are there: the indices of sparse
  // tensors, the zero points of quantised ones. Throws corrupt, or unsafe where that is too much.
  void check_contents() const { checks_.run(); }

 private:
  struct Loaded {
    std::optional<DType> dtype;
    std::uint64_t bytes = 0;
    Value storage;
  };

  Value load(const Value& id);
  std::optional<Value> build(const Object& callee, const List& arguments);

  LoadStorage load_storage_;
  Limits limits_;
  ContentChecks checks_;
  std::unordered_map<std::string, Loaded, SeededHash> loaded_;
};

// Writes tensors while a value is encoded, and numbers their storages in the order in which they
// appear: 0, 1, 2, ... are their keys. One encoder serves one pickle.
class TensorEncoder {
 public:
  // What stands in a storage's persistent id.
  enum class StorageIds {
    plain,     // five parts
    with_view  // a sixth, as before PyTorch 1.6: which part of the storage is meant; always none
  };

  // Of each storage only the range is written.
  explicit TensorEncoder(StorageRanges ranges = {}, StorageIds ids = StorageIds::plain);
  TensorEncoder(const TensorEncoder&) = delete;
  TensorEncoder& operator=(const TensorEncoder&) = delete;

  // The hooks refer to this encoder. They throw unsupported for two element types over the same
  // memory.
  pickle::EncodeHooks hooks();

  // After encode(): the storage of key i at index i. Those over the same memory are one.
  const std::vector<Storage>& storages() const { return storages_; }

 private:
  struct Memory {
    const void* address = nullptr;
    std::uint64_t bytes = 0;
    bool operator==(const Memory&) const = default;
  };
  struct MemoryHash {
    std::size_t operator()(const Memory& memory) const {
      return std::hash<const void*>()(memory.address) ^ std::hash<std::uint64_t>()(memory.bytes);
    }
  };

  Value reduce(const Tensor& tensor) const;
  Value reduce_plain(const Tensor& tensor) const;
  Value reduce_data(const Tensor& tensor, bool requires_grad) const;
  Value persistent_id(const Storage& storage);
  Value key_of(const Storage& storage);
  void check_one_type(const Storage& storage);
  const Value& class_of(std::optional<DType> dtype);

  StorageRanges ranges_;
  StorageIds ids_;
  std::vector<Storage> storages_;
  std::unordered_map<Memory, Value, MemoryHash> keys_;
  std::unordered_map<const std::byte*, std::optional<DType>> dtypes_;
  std::map<std::optional<DType>, Value> classes_;
  // As in Python, where these are literals: one object wherever they appear.
  Value storage_literal_;
  Value cpu_literal_;
};

}  // namespace torchkeep::pt
