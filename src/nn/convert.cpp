#include <memory>
#include <utility>

#include <torchkeep/convert.h>

#include <ATen/ops/_empty_affine_quantized.h>
#include <ATen/ops/_empty_per_channel_affine_quantized.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/GradMode.h>

#include "base/fail.h"
#include "nn/libtorch_version.h"

namespace torchkeep {
namespace convert_detail {

// A tensor with the same elements that lies in ordinary memory of the CPU.
at::Tensor on_cpu(const at::Tensor& tensor) {
  if (!tensor.defined()) fail(ErrorCode::invalid_argument, "the tensor is undefined");
  if (tensor.layout() != c10::kStrided || tensor.is_meta() || tensor.is_nested()) {
    fail(ErrorCode::unsupported,
         "a sparse, nested, meta or mkldnn tensor has no strides and no memory to view");
  }
  at::Tensor plain = tensor.detach();
  if (!plain.device().is_cpu()) plain = plain.cpu();
  return plain.resolve_conj().resolve_neg();
}

std::shared_ptr<const Quantizer> quantizer_of(const at::Tensor& tensor) {
  auto quantizer = std::make_shared<Quantizer>();
  if (tensor.qscheme() == c10::kPerTensorAffine) {
    quantizer->scale = tensor.q_scale();
    quantizer->zero_point = tensor.q_zero_point();
  } else {
    quantizer->scheme = Quantizer::Scheme::per_channel_affine;
    quantizer->scales = from_torch(tensor.q_per_channel_scales());
    quantizer->zero_points = from_torch(tensor.q_per_channel_zero_points());
    quantizer->axis = tensor.q_per_channel_axis();
  }
  return quantizer;
}

c10::TensorOptions options_of(const Tensor& tensor) {
  const int number = static_cast<int>(tensor.dtype());
  if (!has_scalar_type(number)) {
    fail_at(ErrorCode::unsupported, {}, "convert the file to another type first",
            "this LibTorch has no type {}", name(tensor.dtype()));
  }
  return c10::TensorOptions(static_cast<c10::ScalarType>(number));
}

// Without memory, but of the right type and with the right quantizer.
at::Tensor empty_like_quantized(const Tensor& tensor, const c10::TensorOptions& options) {
  const Quantizer* quantizer = tensor.quantizer().get();
  if (!quantizer) {
    fail(ErrorCode::unsupported, "a tensor of type {} has no scale and zero point",
         name(tensor.dtype()));
  }
  if (quantizer->scheme == Quantizer::Scheme::per_tensor_affine) {
    return at::_empty_affine_quantized(tensor.shape(), options, quantizer->scale,
                                       quantizer->zero_point);
  }
  return at::_empty_per_channel_affine_quantized(tensor.shape(), to_torch(quantizer->scales),
                                                 to_torch(quantizer->zero_points), quantizer->axis,
                                                 options);
}

// A LibTorch storage over the same bytes, which keeps them alive.
c10::Storage share(const Storage& storage) {
  const at::Tensor bytes = at::from_blob(
      storage.mutable_bytes().data(), {static_cast<std::int64_t>(storage.size_bytes())},
      [keep_alive = storage](void*) {}, c10::TensorOptions(c10::kByte));
  return bytes.storage();
}

}  // namespace convert_detail

Tensor from_torch(const at::Tensor& tensor) {
  const at::Tensor plain = convert_detail::on_cpu(tensor);
  const auto owner = std::make_shared<const c10::Storage>(plain.storage());
  const auto dtype = static_cast<DType>(plain.scalar_type());
  const Storage storage(static_cast<std::byte*>(storage_data(*owner)), owner->nbytes(), owner,
                        dtype);
  Tensor view(storage, dtype, plain.sizes().vec(), plain.strides().vec(), plain.storage_offset());
  if (plain.is_quantized()) view.set_quantizer(convert_detail::quantizer_of(plain));
  return view;
}

at::Tensor to_torch(const Tensor& tensor) {
  if (tensor.is_conjugated() || tensor.is_negated()) return to_torch(tensor.contiguous());
  const c10::NoGradGuard no_grad;
  const c10::TensorOptions options = convert_detail::options_of(tensor);
  if (is_quantized(tensor.dtype())) {
    at::Tensor view = convert_detail::empty_like_quantized(tensor, options);
    if (tensor.storage().size_bytes() == 0) return view;
    return view.set_(convert_detail::share(tensor.storage()), tensor.storage_offset(),
                     tensor.shape(), tensor.strides());
  }
  if (tensor.storage().size_bytes() == 0) {
    return at::empty_strided(tensor.shape(), tensor.strides(), options);
  }
  return at::empty({0}, options)
      .set_(convert_detail::share(tensor.storage()), tensor.storage_offset(), tensor.shape(),
            tensor.strides());
}

}  // namespace torchkeep
