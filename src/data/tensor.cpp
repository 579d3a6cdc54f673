#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include <torchkeep/tensor.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/fail.h"
#include "data/element.h"
#include "data/element_runs.h"

namespace torchkeep {
namespace {

constexpr std::size_t kMaxDimensions = 64;  // as PyTorch

// The bytes that `count` elements occupy from the start of a storage.
std::int64_t bytes_for(std::int64_t count, DType dtype) {
  std::int64_t bytes = 0;
  const std::int64_t packed = items_per_byte(dtype);
  const std::int64_t units = count / packed + (count % packed != 0 ? 1 : 0);
  if (__builtin_mul_overflow(units, item_bytes(dtype), &bytes)) {
    fail(ErrorCode::invalid_argument, "{} elements of {} are more bytes than memory can have",
         count, name(dtype));
  }
  return bytes;
}

}  // namespace

Shape contiguous_strides(const Shape& shape) {
  Shape strides(shape.size(), 1);
  for (std::size_t d = shape.size(); d-- > 1;) {
    if (__builtin_mul_overflow(strides[d], std::max<std::int64_t>(shape[d], 1), &strides[d - 1])) {
      fail(ErrorCode::invalid_argument, "shape {} has more elements than memory can have",
           to_string(shape));
    }
  }
  return strides;
}

std::int64_t count_elements(const Shape& shape) {
  // A size of 0 makes the product 0 whatever the others are, but they must still be sizes.
  std::int64_t count = 1;
  bool overflow = false;
  for (const std::int64_t size : shape) {
    if (size < 0) {
      fail(ErrorCode::invalid_argument, "negative size in shape {}", to_string(shape));
    }
    if (__builtin_mul_overflow(count, size, &count)) overflow = true;
  }
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  if (overflow) {
    fail(ErrorCode::invalid_argument, "shape {} has more elements than memory can have",
         to_string(shape));
  }
  return count;
}

std::string to_string(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

Tensor::Tensor() : shape_{0}, strides_{1} {}

Tensor::Tensor(Storage storage,
               DType dtype,
               Shape shape,
               Shape strides,
               std::int64_t storage_offset)
    : storage_(std::move(storage)),
      dtype_(dtype),
      storage_offset_(storage_offset),
      shape_(std::move(shape)),
      strides_(std::move(strides)) {
  check();
}

Tensor::Tensor(Storage storage, DType dtype, Shape shape)
    : storage_(std::move(storage)), dtype_(dtype), shape_(std::move(shape)) {
  strides_ = contiguous_strides(shape_);
  check();
}

void Tensor::check() const {
  if (shape_.size() > kMaxDimensions) {
    fail(ErrorCode::invalid_argument, "{} dimensions (PyTorch has at most {})", shape_.size(),
         kMaxDimensions);
  }
  if (shape_.size() != strides_.size()) {
    fail(ErrorCode::invalid_argument, "shape {} and strides {} differ in length", to_string(shape_),
         to_string(strides_));
  }
  if (storage_offset_ < 0) {
    fail(ErrorCode::invalid_argument, "negative storage offset {}", storage_offset_);
  }
  const std::int64_t count = count_elements(shape_);
  std::int64_t last = storage_offset_;  // the furthest element
  for (std::size_t d = 0; d < shape_.size(); ++d) {
    if (strides_[d] < 0) {
      fail(ErrorCode::invalid_argument, "negative stride in {}", to_string(strides_));
    }
    std::int64_t reach = 0;
    if (count > 0 && (__builtin_mul_overflow(shape_[d] - 1, strides_[d], &reach) ||
                      __builtin_add_overflow(last, reach, &last))) {
      fail(ErrorCode::invalid_argument, "shape {} with strides {} reaches beyond all memory",
           to_string(shape_), to_string(strides_));
    }
  }
  if (count == 0) return;
  if (last == INT64_MAX ||
      static_cast<std::uint64_t>(bytes_for(last + 1, dtype_)) > storage_.size_bytes()) {
    fail(ErrorCode::invalid_argument,
         "{} {} with strides {} and offset {} needs {} elements, but its storage has {} bytes",
         torchkeep::name(dtype_), to_string(shape_), to_string(strides_), storage_offset_,
         static_cast<std::uint64_t>(last) + 1, storage_.size_bytes());
  }
}

template <class T>
Tensor Tensor::of(std::span<const T> values, Shape shape) {
  constexpr DType dtype = element::dtype_of<T>();
  if (count_elements(shape) != static_cast<std::int64_t>(values.size())) {
    fail(ErrorCode::invalid_argument, "{} values for a tensor of shape {}", values.size(),
         to_string(shape));
  }
  Storage storage = Storage::allocate(values.size_bytes(), dtype);
  if (!values.empty()) {
    std::memcpy(storage.mutable_bytes().data(), values.data(), values.size_bytes());
  }
  return Tensor(std::move(storage), dtype, std::move(shape));
}

template Tensor Tensor::of<bool>(std::span<const bool>, Shape);
template Tensor Tensor::of<std::uint8_t>(std::span<const std::uint8_t>, Shape);
template Tensor Tensor::of<std::int8_t>(std::span<const std::int8_t>, Shape);
template Tensor Tensor::of<std::int16_t>(std::span<const std::int16_t>, Shape);
template Tensor Tensor::of<std::int32_t>(std::span<const std::int32_t>, Shape);
template Tensor Tensor::of<std::int64_t>(std::span<const std::int64_t>, Shape);
template Tensor Tensor::of<float>(std::span<const float>, Shape);
template Tensor Tensor::of<double>(std::span<const double>, Shape);

std::int64_t Tensor::numel() const { return count_elements(shape_); }

std::uint64_t Tensor::size_bytes() const {
  return static_cast<std::uint64_t>(bytes_for(numel(), dtype_));
}

bool Tensor::is_contiguous() const {
  if (is_conjugated_ || is_negated_) return false;
  std::int64_t expected = 1;
  if (numel() == 0) return true;
  for (std::size_t d = shape_.size(); d-- > 0;) {
    if (shape_[d] == 1) continue;
    if (strides_[d] != expected) return false;
    expected *= shape_[d];
  }
  return true;
}

std::span<const std::byte> Tensor::bytes() const {
  if (!is_contiguous()) {
    fail(ErrorCode::invalid_argument, "the tensor is not contiguous (shape {}, strides {}{})",
         to_string(shape_), to_string(strides_),
         is_conjugated_ || is_negated_ ? ", a conjugate or negative view" : "");
  }
  if (numel() == 0) return {};
  const std::int64_t packed = items_per_byte(dtype_);
  if (storage_offset_ % packed != 0) {
    fail(ErrorCode::unsupported, "a {} tensor that starts inside a byte", torchkeep::name(dtype_));
  }
  return storage_.bytes().subspan(
      static_cast<std::size_t>(storage_offset_ / packed * item_bytes(dtype_)),
      static_cast<std::size_t>(size_bytes()));
}

Tensor Tensor::contiguous(std::uint64_t max_bytes) const {
  if (size_bytes() > max_bytes) {
    fail(ErrorCode::unsafe, "the elements need {} bytes (the limit is {})", size_bytes(),
         max_bytes);
  }
  if (items_per_byte(dtype_) != 1 && !is_contiguous()) {
    fail(ErrorCode::unsupported, "a strided view of packed {} elements", torchkeep::name(dtype_));
  }
  Storage storage = Storage::allocate(size_bytes(), dtype_);
  std::byte* out = storage.mutable_bytes().data();
  if (is_contiguous()) {
    const auto source = bytes();
    std::copy(source.begin(), source.end(), out);
  } else {
    element::copy_elements(*this, 0, numel(), out);
  }
  Tensor copy(std::move(storage), dtype_, shape_);
  copy.requires_grad_ = requires_grad_;
  copy.is_parameter_ = is_parameter_;
  copy.quantizer_ = quantizer_;
  copy.extras_ = extras_;
  return copy;
}

double Tensor::item_as_double(std::int64_t index) const {
  if (index < 0 || index >= numel()) {
    fail(ErrorCode::invalid_argument, "element {} of a tensor of shape {}", index,
         to_string(shape_));
  }
  std::int64_t position = storage_offset_;
  for (std::size_t d = shape_.size(); d-- > 0;) {
    position += index % shape_[d] * strides_[d];
    index /= shape_[d];
  }
  const double item =
      element::read_as_double(storage_.bytes().data() + position * item_bytes(dtype_), dtype_);
  return is_negated_ ? -item : item;
}

void Tensor::set_is_conjugated(bool on) {
  if (on && !is_complex(dtype_)) {
    fail(ErrorCode::invalid_argument, "a conjugate view of {}", torchkeep::name(dtype_));
  }
  is_conjugated_ = on;
}

void Tensor::set_is_negated(bool on) {
  if (on && !element::can_be_negated(dtype_)) {
    fail(ErrorCode::invalid_argument, "a negative view of {}", torchkeep::name(dtype_));
  }
  is_negated_ = on;
}

void Tensor::set_extras(std::shared_ptr<const TensorExtras> extras) { extras_ = std::move(extras); }

void Tensor::set_quantizer(std::shared_ptr<const Quantizer> quantizer) {
  quantizer_ = std::move(quantizer);
}

bool equal(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.shape() != b.shape()) return false;
  const Tensor left = a.is_contiguous() ? a : a.contiguous();
  const Tensor right = b.is_contiguous() ? b : b.contiguous();
  return std::ranges::equal(left.bytes(), right.bytes());
}

}  // namespace torchkeep
