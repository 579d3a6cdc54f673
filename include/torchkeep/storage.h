// A flat run of bytes that tensors view.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <torchkeep/dtype.h>

namespace torchkeep {

// A shared handle to bytes in memory. Copies refer to the same bytes. The bytes live as long as
// the last handle: they may lie in a buffer, in a mapped file, or in a LibTorch tensor, which the
// owner keeps alive. Handles may be copied between threads; the bytes themselves are not locked.
class Storage {
 public:
  Storage() = default;

  // Refers to memory that `owner` keeps alive (nothing is copied). `dtype` is the element type
  // of the storage's class in a file; nothing for an untyped storage.
  Storage(std::byte* data,
          std::uint64_t bytes,
          std::shared_ptr<const void> owner,
          std::optional<DType> dtype = std::nullopt,
          std::string location = "cpu");

  // New memory of that size, zeroed.
  static Storage allocate(std::uint64_t bytes, std::optional<DType> dtype = std::nullopt);

  std::span<const std::byte> bytes() const;
  // The same bytes, writable. Writing to a mapped file's storage changes a private copy of the page
  // only, never the file.
  std::span<std::byte> mutable_bytes() const;
  std::uint64_t size_bytes() const;
  std::optional<DType> dtype() const;
  const std::string& location() const;  // where Python had it, such as "cpu" or "cuda:0"

  // Equal for copies of one handle, also where the storage is empty; null for `Storage()`.
  const void* identity() const { return memory_.get(); }
  // True if both refer to the same memory, as tied parameters do. Empty storages share nothing.
  bool shares_memory_with(const Storage& other) const;

 private:
  struct Memory;
  std::shared_ptr<const Memory> memory_;
};

}  // namespace torchkeep
