#include "random_files.h"

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <torchkeep/dict.h>
#include <torchkeep/save.h>
#include <torchkeep/value.h>

namespace torchkeep::interop {
namespace {

constexpr auto kTypes = std::to_array<DType>(
    {DType::uint8, DType::int8, DType::int16, DType::int32, DType::int64, DType::float16,
     DType::float32, DType::float64, DType::complex64, DType::complex128, DType::boolean,
     DType::bfloat16, DType::qint8, DType::quint8, DType::qint32});

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  Value dict(int depth) {
    Dict entries(one_of(2) ? Dict::Type::plain : Dict::Type::ordered);
    const std::int64_t count = below(8);
    for (std::int64_t i = 0; i < count; ++i) {
      entries.set("key" + std::to_string(i), value(depth));
    }
    return entries;
  }

 private:
  std::int64_t below(std::int64_t end) {
    return std::uniform_int_distribution<std::int64_t>(0, end - 1)(random_);
  }
  bool one_of(std::int64_t count) { return below(count) == 0; }

  Value value(int depth) {
    switch (below(8)) {
      case 0:
        return depth > 0 ? dict(depth - 1) : Value(below(1000) - 500);
      case 1:
        return list({tensor(), "text", below(1 << 20)});
      case 2:
        return tensors_.empty() ? tensor() : tensors_[index(tensors_.size())];
      default:
        return tensor();
    }
  }

  std::size_t index(std::size_t size) {
    return static_cast<std::size_t>(below(static_cast<std::int64_t>(size)));
  }

  Storage storage() {
    if (!storages_.empty() && one_of(3)) return storages_[index(storages_.size())];
    const DType dtype = kTypes[index(kTypes.size())];
    const auto bytes = static_cast<std::uint64_t>(below(200) * item_bytes(dtype));
    Storage storage = Storage::allocate(bytes, dtype);
    for (std::byte& byte : storage.mutable_bytes()) {
      byte = static_cast<std::byte>(below(dtype == DType::boolean ? 2 : 256));
    }
    storages_.push_back(storage);
    return storage;
  }

  // Sizes and strides that stay inside the storage.
  Value tensor() {
    const Storage storage = this->storage();
    const DType dtype = *storage.dtype();
    const auto numel = static_cast<std::int64_t>(storage.size_bytes()) / item_bytes(dtype);
    Shape shape;
    Shape strides;
    std::int64_t left = numel - 1;
    const std::int64_t offset = numel > 0 ? below(numel) : 0;
    left -= offset;
    for (std::int64_t d = below(5); d > 0; --d) {
      const std::int64_t stride = below(6);
      const std::int64_t most = stride == 0 ? 4 : std::max<std::int64_t>(left, 0) / stride + 1;
      const std::int64_t size = one_of(12) ? 0 : 1 + below(std::min<std::int64_t>(most, 6));
      shape.push_back(size);
      strides.push_back(stride);
      left -= std::max<std::int64_t>(size - 1, 0) * stride;
    }
    if (numel == 0) {
      shape.push_back(0);
      strides.push_back(1);
    }
    Tensor tensor(storage, dtype, shape, strides, offset);
    if (is_quantized(dtype)) {
      Quantizer quantizer;
      quantizer.scale = 0.5;
      tensor.set_quantizer(std::make_shared<const Quantizer>(quantizer));
    } else if (is_floating_point(dtype)) {
      tensor.set_requires_grad(one_of(4));
      tensor.set_is_parameter(one_of(4));
    }
    tensors_.push_back(tensor);
    return tensors_.back();
  }

  std::mt19937_64 random_;
  std::vector<Storage> storages_;
  std::vector<Value> tensors_;
};

}  // namespace

void write_random_files(const std::filesystem::path& directory, int count, std::uint64_t seed) {
  constexpr auto kLayouts = std::to_array({Layout::latest, Layout::torch_1_13, Layout::torch_2_1});
  for (int i = 0; i < count; ++i) {
    Generator generator(seed + static_cast<std::uint64_t>(i));
    save(generator.dict(2), directory / (std::to_string(i) + ".pt"),
         {.layout = kLayouts[static_cast<std::size_t>(i) % kLayouts.size()],
          .durability = Durability::cached,
          .manifest = Manifest::sha256,
          .storages = i % 2 == 0 ? Storages::compact : Storages::whole});
  }
}

}  // namespace torchkeep::interop
