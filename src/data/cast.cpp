#include <algorithm>
#include <vector>

#include <torchkeep/cast.h>

#include "base/fail.h"
#include "base/parallel.h"
#include "data/element.h"
#include "data/element_runs.h"

namespace torchkeep {
namespace {

constexpr std::int64_t kChunk = 1 << 18;  // elements for one thread at a time
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 40;

}  // namespace

bool is_number(DType dtype) { return element::is_number(dtype); }

Tensor cast(const Tensor& tensor, DType dtype) {
  if (tensor.dtype() == dtype) return tensor;
  for (const DType type : {tensor.dtype(), dtype}) {
    if (is_number(type)) continue;
    fail(ErrorCode::unsupported, "a {} tensor cannot be converted to {}", name(tensor.dtype()),
         name(dtype));
  }
  const auto item = static_cast<std::size_t>(item_bytes(dtype));
  const auto count = static_cast<std::size_t>(tensor.numel());
  if (count > kMostBytes / item) {
    fail(ErrorCode::unsafe, "the elements need {} times {} bytes (the limit is {})", count, item,
         kMostBytes);
  }
  Tensor result(Storage::allocate(count * item, dtype), dtype, tensor.shape());
  std::byte* to = result.storage().mutable_bytes().data();
  const std::size_t chunks = (count + kChunk - 1) / kChunk;
  parallel_for(chunks, effective_threads(0), [&](std::size_t i) {
    std::vector<std::byte> scratch;
    const std::int64_t begin = static_cast<std::int64_t>(i) * kChunk;
    const std::int64_t length = std::min(kChunk, static_cast<std::int64_t>(count) - begin);
    element::convert(element::elements(tensor, begin, length, scratch), tensor.dtype(),
                     to + static_cast<std::size_t>(begin) * item, dtype,
                     static_cast<std::size_t>(length));
  });
  result.set_requires_grad(tensor.requires_grad());
  result.set_is_parameter(tensor.is_parameter());
  return result;
}

}  // namespace torchkeep
