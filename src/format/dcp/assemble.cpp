#include "format/dcp/assemble.h"

#include <cstring>
#include <memory>
#include <optional>

#include "base/fail.h"
#include "io/memory.h"

namespace torchkeep::dcp {
namespace {

void check_chunk(const Item& tensor, const Chunk& chunk, const Value& loaded) {
  if (!loaded.is_tensor()) {
    fail(ErrorCode::corrupt, "the chunk at {} is no tensor but {}", to_string(chunk.offsets),
         name(loaded.kind()));
  }
  const Tensor& part = loaded.as_tensor();
  if (part.dtype() != tensor.dtype || part.shape() != chunk.sizes) {
    fail(ErrorCode::corrupt,
         "the chunk at {} is not what the metadata says (expected {} {}, got {} {})",
         to_string(chunk.offsets), name(tensor.dtype), to_string(chunk.sizes), name(part.dtype()),
         to_string(part.shape()));
  }
  // What repeats by stride 0 could fill all memory.
  if (part.size_bytes() > part.storage().size_bytes()) {
    fail(ErrorCode::corrupt, "the chunk at {} has fewer bytes than elements",
         to_string(chunk.offsets));
  }
}

// Copies a chunk row by row, or in longer runs where it is as wide as the tensor.
class BlockCopy {
 public:
  BlockCopy(const Item& tensor, const Chunk& chunk)
      : shape_(tensor.shape), chunk_(chunk), strides_(contiguous_strides(tensor.shape)) {
    while (run_dim_ > 1 && chunk.sizes[run_dim_ - 1] == shape_[run_dim_ - 1]) --run_dim_;
  }

  void run(std::span<const std::byte> from, std::span<std::byte> to, std::size_t item) const {
    Shape index(run_dim_ - 1, 0);
    const std::size_t run_bytes =
        static_cast<std::size_t>(chunk_.sizes[run_dim_ - 1] * strides_[run_dim_ - 1]) * item;
    do {
      const std::size_t target = static_cast<std::size_t>(offset(index)) * item;
      std::memcpy(to.subspan(target, run_bytes).data(), from.data(), run_bytes);
      from = from.subspan(run_bytes);
    } while (next(index));
  }

 private:
  // In the tensor, of the run at that index of the chunk's outer dimensions.
  std::int64_t offset(const Shape& index) const {
    std::int64_t result = 0;
    for (std::size_t d = 0; d < run_dim_; ++d) {
      result += (chunk_.offsets[d] + (d < index.size() ? index[d] : 0)) * strides_[d];
    }
    return result;
  }

  bool next(Shape& index) const {
    for (std::size_t d = index.size(); d-- > 0;) {
      if (++index[d] < chunk_.sizes[d]) return true;
      index[d] = 0;
    }
    return false;
  }

  const Shape& shape_;
  const Chunk& chunk_;
  Shape strides_;
  std::size_t run_dim_ = shape_.size();  // the dimensions from run_dim_ - 1 on are one run
};

}  // namespace

Tensor assemble(const Item& tensor, const std::function<Value(const Location&)>& load) {
  const std::optional<DType> typed =
      storage_class(tensor.dtype).empty() ? std::nullopt : std::optional(tensor.dtype);
  if (tensor.chunks.empty())
    return Tensor(Storage(nullptr, 0, nullptr, typed), tensor.dtype, tensor.shape);
  if (tensor.chunks.size() == 1) {
    const Value whole = load(tensor.chunks[0].location);
    check_chunk(tensor, tensor.chunks[0], whole);
    return whole.as_tensor();
  }
  const auto item = static_cast<std::size_t>(item_bytes(tensor.dtype));
  const std::uint64_t bytes = static_cast<std::uint64_t>(count_elements(tensor.shape)) * item;
  const auto buffer = std::make_shared<const io::HugeBuffer>(bytes);
  for (const Chunk& chunk : tensor.chunks) {
    const Value loaded = load(chunk.location);
    check_chunk(tensor, chunk, loaded);
    BlockCopy(tensor, chunk).run(loaded.as_tensor().contiguous().bytes(), buffer->bytes(), item);
  }
  return Tensor(Storage(buffer->bytes().data(), bytes, buffer, typed), tensor.dtype, tensor.shape);
}

}  // namespace torchkeep::dcp
