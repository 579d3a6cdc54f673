#include <utility>

#include <torchkeep/storage.h>

#include "io/memory.h"

namespace torchkeep {
namespace {

// From here on the first touch of small pages would cost more than the mapping of huge ones.
constexpr std::uint64_t kHugeBytes = std::uint64_t{1} << 20;

}  // namespace

struct Storage::Memory {
  std::byte* data = nullptr;
  std::uint64_t size = 0;
  std::shared_ptr<const void> owner;
  std::optional<DType> dtype;
  std::string location = "cpu";
};

Storage::Storage(std::byte* data,
                 std::uint64_t bytes,
                 std::shared_ptr<const void> owner,
                 std::optional<DType> dtype,
                 std::string location)
    : memory_(std::make_shared<Memory>(
          Memory{data, bytes, std::move(owner), dtype, std::move(location)})) {}

Storage Storage::allocate(std::uint64_t bytes, std::optional<DType> dtype) {
  if (bytes >= kHugeBytes) {
    const auto buffer = std::make_shared<const io::HugeBuffer>(bytes);
    return Storage(buffer->bytes().data(), bytes, buffer, dtype);
  }
  std::shared_ptr<std::byte[]> buffer(new std::byte[bytes]());
  std::byte* data = buffer.get();
  return Storage(data, bytes, std::move(buffer), dtype);
}

std::span<const std::byte> Storage::bytes() const { return mutable_bytes(); }

std::span<std::byte> Storage::mutable_bytes() const {
  if (!memory_) return {};
  return {memory_->data, static_cast<std::size_t>(memory_->size)};
}

std::uint64_t Storage::size_bytes() const { return memory_ ? memory_->size : 0; }

std::optional<DType> Storage::dtype() const { return memory_ ? memory_->dtype : std::nullopt; }

const std::string& Storage::location() const {
  static const std::string cpu = "cpu";
  return memory_ ? memory_->location : cpu;
}

bool Storage::shares_memory_with(const Storage& other) const {
  return size_bytes() > 0 && other.size_bytes() > 0 && memory_->data == other.memory_->data;
}

}  // namespace torchkeep
