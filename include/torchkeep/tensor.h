// A tensor: a type, a shape, strides and an offset into a storage. It computes nothing.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <torchkeep/dtype.h>
#include <torchkeep/storage.h>

namespace torchkeep {

using Shape = std::vector<std::int64_t>;

struct Quantizer;
struct TensorExtras;

// Copies share the storage. A tensor that exists has been checked: every element lies inside its
// storage. Immutable but for the flags; safe to read from any thread.
class Tensor {
 public:
  // An empty float32 tensor of shape [0].
  Tensor();

  // Views `storage` with that shape; strides and offset are counted in elements.
  // Throws invalid_argument for a negative size, stride or offset, for more than 64 dimensions,
  // where shape and strides differ in length, and where an element would lie outside the storage.
  Tensor(Storage storage, DType dtype, Shape shape, Shape strides, std::int64_t storage_offset = 0);

  // A contiguous tensor at the start of `storage`.
  Tensor(Storage storage, DType dtype, Shape shape);

  // A new contiguous tensor with a copy of `values`, which must be as many as the shape holds.
  // T: bool, std::uint8_t, std::int8_t, std::int16_t, std::int32_t, std::int64_t, float, double.
  template <class T>
  static Tensor of(std::span<const T> values, Shape shape);
  template <class T>
  static Tensor of(std::initializer_list<T> values, Shape shape) {
    return of(std::span<const T>(values.begin(), values.size()), std::move(shape));
  }
  // A 0-dimensional tensor.
  template <class T>
  static Tensor scalar(T value) {
    return of(std::span<const T>(&value, 1), Shape{});
  }

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  const Shape& strides() const { return strides_; }
  std::int64_t storage_offset() const { return storage_offset_; }
  const Storage& storage() const { return storage_; }
  std::int64_t dim() const { return static_cast<std::int64_t>(shape_.size()); }
  std::int64_t numel() const;
  std::uint64_t size_bytes() const;  // of the elements, numel() * item_bytes(), without gaps
  // Row-major, without gaps, and the elements are what lies in the storage.
  bool is_contiguous() const;

  // The bytes of the elements. Throws invalid_argument unless is_contiguous().
  std::span<const std::byte> bytes() const;

  // The elements in row-major order, copied into new memory; shares nothing with this tensor.
  // Throws unsafe if the elements need more than `max_bytes` (a stride of 0 can make a few bytes
  // look like terabytes).
  Tensor contiguous(std::uint64_t max_bytes = std::uint64_t{1} << 40) const;

  // Element `index` in row-major order, converted; for bool, integers and real floats but
  // float4_e2m1fn_x2. Throws unsupported for other types and invalid_argument outside the tensor.
  double item_as_double(std::int64_t index = 0) const;

  // Whether Python's tensor had requires_grad. A state dict holds detached tensors: false.
  bool requires_grad() const { return requires_grad_; }
  void set_requires_grad(bool on) { requires_grad_ = on; }
  // Whether Python's object is a torch.nn.Parameter rather than a plain tensor.
  bool is_parameter() const { return is_parameter_; }
  void set_is_parameter(bool on) { is_parameter_ = on; }
  // How a quantised tensor maps to real numbers; null for all others.
  const std::shared_ptr<const Quantizer>& quantizer() const { return quantizer_; }
  void set_quantizer(std::shared_ptr<const Quantizer> quantizer);

  // Whether the elements are the conjugates, or the negatives, of what lies in the storage, as in
  // PyTorch's views t.conj() and t.conj().imag. contiguous() computes them; bytes() refuses.
  bool is_conjugated() const { return is_conjugated_; }
  void set_is_conjugated(bool on);  // throws invalid_argument for true unless complex
  bool is_negated() const { return is_negated_; }
  // Throws invalid_argument for true unless complex or a float of 2 bytes or more.
  void set_is_negated(bool on);
  // What Python's object has besides its elements; null for most.
  const std::shared_ptr<const TensorExtras>& extras() const { return extras_; }
  void set_extras(std::shared_ptr<const TensorExtras> extras);

 private:
  void check() const;

  Storage storage_;
  DType dtype_ = DType::float32;
  bool requires_grad_ = false;
  bool is_parameter_ = false;
  bool is_conjugated_ = false;
  bool is_negated_ = false;
  std::int64_t storage_offset_ = 0;
  Shape shape_;
  Shape strides_;
  std::shared_ptr<const Quantizer> quantizer_;
  std::shared_ptr<const TensorExtras> extras_;
};

// real = (stored - zero_point) * scale, with one pair for the tensor or one for each index of
// `axis`.
struct Quantizer {
  enum class Scheme { per_tensor_affine, per_channel_affine, per_channel_affine_float_qparams };
  enum class Form {
    tensors,
    lists  // of numbers, as PyTorch 1.3 wrote scales and zero points
  };
  Scheme scheme = Scheme::per_tensor_affine;
  double scale = 1.0;
  std::int64_t zero_point = 0;
  Tensor scales;       // [n], float64; per channel only
  Tensor zero_points;  // [n], int64 (float32 for per_channel_affine_float_qparams)
  std::int64_t axis = 0;
  Form form = Form::tensors;  // of scales and zero points in the file; per channel only
};

// Strides of a row-major tensor without gaps, in elements, as PyTorch computes them: a size of 0
// counts as 1.
Shape contiguous_strides(const Shape& shape);

// The product of the sizes. Throws invalid_argument if a size is negative or the product overflows.
std::int64_t count_elements(const Shape& shape);

// "[2, 3]", "[]".
std::string to_string(const Shape& shape);

// True if type, shape and every byte of the elements are equal; strides may differ.
bool equal(const Tensor& a, const Tensor& b);

}  // namespace torchkeep
