#include <utility>

#include "base/fail.h"
#include "format/pt/tensor_codec.h"

namespace torchkeep::pt {
namespace {

Value global(std::string module, std::string name) {
  return Object::global(std::move(module), std::move(name));
}

Value call(std::string function, List arguments) {
  return Object::call(global("torch._utils", std::move(function)), Tuple{std::move(arguments)});
}

Value as_tuple(const Shape& shape) { return Tuple{List(shape.begin(), shape.end())}; }

// Always empty, but not left out.
Value no_hooks() { return Dict(Dict::Type::ordered); }

// The tensor's storage as its element type sees it. Keeps the memory alive as the storage does.
Storage typed(const Storage& storage, std::optional<DType> dtype) {
  const std::uint64_t item = dtype ? static_cast<std::uint64_t>(item_bytes(*dtype)) : 1;
  const std::uint64_t bytes = storage.size_bytes() / item * item;
  if (storage.dtype() == dtype && storage.size_bytes() == bytes) return storage;
  return Storage(storage.mutable_bytes().data(), bytes, std::make_shared<Storage>(storage), dtype,
                 storage.location());
}

Value quantization(const Quantizer& quantizer) {
  switch (quantizer.scheme) {
    case Quantizer::Scheme::per_tensor_affine:
      return tuple({global("torch", "per_tensor_affine"), quantizer.scale, quantizer.zero_point});
    case Quantizer::Scheme::per_channel_affine:
      return tuple({global("torch", "per_channel_affine"), quantizer.scales, quantizer.zero_points,
                    quantizer.axis});
  }
  fail(ErrorCode::internal, "a quantiser of no scheme");
}

Value reduce_data(const Tensor& tensor, bool requires_grad) {
  const DType dtype = tensor.dtype();
  const bool has_class = !storage_class(dtype).empty();
  List arguments = {typed(tensor.storage(), has_class ? std::optional(dtype) : std::nullopt),
                    tensor.storage_offset(), as_tuple(tensor.shape()), as_tuple(tensor.strides())};
  if (is_quantized(dtype)) {
    if (tensor.quantizer() == nullptr) {
      fail(ErrorCode::invalid_argument, "a {} tensor without scale and zero point", name(dtype));
    }
    arguments.push_back(quantization(*tensor.quantizer()));
  }
  arguments.push_back(requires_grad);
  arguments.push_back(no_hooks());
  if (is_quantized(dtype)) return call("_rebuild_qtensor", std::move(arguments));
  if (has_class) return call("_rebuild_tensor_v2", std::move(arguments));
  arguments.push_back(global("torch", std::string(name(dtype))));
  return call("_rebuild_tensor_v3", std::move(arguments));
}

Value reduce(const Tensor& tensor) {
  if (!tensor.is_parameter()) return reduce_data(tensor, tensor.requires_grad());
  Tensor data = tensor;
  data.set_is_parameter(false);
  data.set_requires_grad(false);
  return call("_rebuild_parameter", {std::move(data), tensor.requires_grad(), no_hooks()});
}

std::string_view class_name(std::optional<DType> dtype) {
  return dtype ? storage_class(*dtype) : "UntypedStorage";
}

}  // namespace

TensorEncoder::TensorEncoder(StorageIds ids)
    : ids_(ids), storage_literal_("storage"), cpu_literal_("cpu") {}

pickle::EncodeHooks TensorEncoder::hooks() {
  return {.persistent_id = [this](const Storage& storage) { return persistent_id(storage); },
          .reduce_tensor = reduce};
}

Value TensorEncoder::persistent_id(const Storage& storage) {
  const std::optional<DType> dtype = storage.dtype();
  if (dtype && storage_class(*dtype).empty()) return persistent_id(typed(storage, std::nullopt));
  if (!dtype && ids_ == StorageIds::with_view) {
    fail_at(ErrorCode::unsupported, {}, "save it in the newer format, pt",
            "an untyped storage, which newer element types such as uint16 need: torch.load cannot "
            "read it from the old format");
  }
  const Value key = key_of(storage);
  const std::uint64_t item = dtype ? static_cast<std::uint64_t>(item_bytes(*dtype)) : 1;
  const bool on_cpu = storage.location() == cpu_literal_.as_string();
  List id = {storage_literal_,
             global(dtype ? "torch" : "torch.storage", std::string(class_name(dtype))), key,
             on_cpu ? cpu_literal_ : Value(storage.location()),
             static_cast<std::int64_t>(storage.size_bytes() / item)};
  if (ids_ == StorageIds::with_view) {
    id[2] = Value(key.as_string());  // Python makes this text anew for each reference
    id.emplace_back();
  }
  return Tuple{std::move(id)};
}

// The number of the storage. Empty storages share no memory: each is one of its own.
Value TensorEncoder::key_of(const Storage& storage) {
  const Memory memory = {storage.bytes().data(), storage.size_bytes()};
  if (memory.bytes > 0) {
    const auto [used_as, is_new] = dtypes_.try_emplace(memory.data, storage.dtype());
    if (!is_new && used_as->second != storage.dtype()) {
      fail_at(ErrorCode::unsupported, {}, "copy one of the tensors first",
              "two tensors view the same memory as different types ({} and {})",
              class_name(used_as->second), class_name(storage.dtype()));
    }
    const auto known = keys_.find(memory);
    if (known != keys_.end()) return known->second;
  }
  Value key(std::to_string(storages_.size()));
  storages_.push_back(storage);
  if (memory.bytes > 0) keys_.emplace(memory, key);
  return key;
}

}  // namespace torchkeep::pt
