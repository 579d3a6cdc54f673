#include <algorithm>
#include <utility>

#include <torchkeep/tensor_extras.h>

#include "base/fail.h"
#include "format/pt/rebuild.h"
#include "format/pt/tensor_codec.h"

namespace torchkeep::pt {
namespace {

Value global(std::string module, std::string name) {
  return Object::global(std::move(module), std::move(name));
}

// The functions that rebuild a tensor, one value each however many tensors there are.
struct Rebuilders {
  Value tensor_v2 = global("torch._utils", "_rebuild_tensor_v2");
  Value tensor_v3 = global("torch._utils", "_rebuild_tensor_v3");
  Value quantized_tensor = global("torch._utils", "_rebuild_qtensor");
  Value parameter = global("torch._utils", "_rebuild_parameter");
  Value parameter_with_state = global("torch._utils", "_rebuild_parameter_with_state");
};

const Rebuilders& rebuilders() {
  static const Rebuilders all;
  return all;
}

Value call(const Value& function, List arguments) {
  return Object::call(function, Tuple{std::move(arguments)});
}

Value as_tuple(const Shape& shape) { return Tuple{List(shape.begin(), shape.end())}; }

// Always empty, but not left out.
Value no_hooks() { return Dict(Dict::Type::ordered); }

// Keeps the memory alive as the storage does.
Storage part_of(const Storage& storage, const Range& range) {
  if (range == Range{0, storage.size_bytes()}) return storage;
  return Storage(storage.mutable_bytes().data() + range.begin, range.end - range.begin,
                 std::make_shared<Storage>(storage), storage.dtype(), storage.location());
}

// The tensor's storage as its element type sees it. Keeps the memory alive as the storage does.
Storage typed(const Storage& storage, std::optional<DType> dtype) {
  const std::uint64_t item = dtype ? static_cast<std::uint64_t>(item_bytes(*dtype)) : 1;
  const std::uint64_t bytes = storage.size_bytes() / item * item;
  if (storage.dtype() == dtype && storage.size_bytes() == bytes) return storage;
  return Storage(storage.mutable_bytes().data(), bytes, std::make_shared<Storage>(storage), dtype,
                 storage.location());
}

// Nothing for a tensor whose elements are what lies in the storage.
std::optional<Value> metadata(const Tensor& tensor) {
  Dict flags;
  if (tensor.is_conjugated()) flags.set("conj", true);
  if (tensor.is_negated()) flags.set("neg", true);
  if (flags.empty()) return std::nullopt;
  return Value(std::move(flags));
}

std::string_view class_name(std::optional<DType> dtype) {
  return dtype ? storage_class(*dtype) : "UntypedStorage";
}

}  // namespace

TensorEncoder::TensorEncoder(StorageRanges ranges, StorageIds ids)
    : ranges_(std::move(ranges)), ids_(ids), storage_literal_("storage"), cpu_literal_("cpu") {}

pickle::EncodeHooks TensorEncoder::hooks() {
  return {.persistent_id = [this](const Storage& storage) { return persistent_id(storage); },
          .reduce_tensor = [this](const Tensor& tensor) { return reduce(tensor); }};
}

Value TensorEncoder::reduce_data(const Tensor& tensor, bool requires_grad) const {
  const DType dtype = tensor.dtype();
  const bool has_class = !storage_class(dtype).empty();
  const Range range = ranges_.of(tensor.storage());
  const std::int64_t skipped = static_cast<std::int64_t>(range.begin) / item_bytes(dtype);
  // A tensor without elements may begin anywhere.
  const std::int64_t offset = std::max<std::int64_t>(tensor.storage_offset() - skipped, 0);
  List arguments = {
      typed(part_of(tensor.storage(), range), has_class ? std::optional(dtype) : std::nullopt),
      offset, as_tuple(tensor.shape()), as_tuple(tensor.strides())};
  if (is_quantized(dtype)) {
    if (tensor.quantizer() == nullptr) {
      fail(ErrorCode::invalid_argument, "a {} tensor without scale and zero point", name(dtype));
    }
    arguments.push_back(quantization(*tensor.quantizer()));
  }
  arguments.push_back(requires_grad);
  arguments.push_back(no_hooks());
  if (is_quantized(dtype)) return call(rebuilders().quantized_tensor, std::move(arguments));
  if (!has_class) arguments.push_back(global("torch", std::string(name(dtype))));
  if (auto flags = metadata(tensor)) arguments.push_back(std::move(*flags));
  return call(has_class ? rebuilders().tensor_v2 : rebuilders().tensor_v3, std::move(arguments));
}

Value TensorEncoder::reduce_plain(const Tensor& tensor) const {
  if (!tensor.is_parameter()) return reduce_data(tensor, tensor.requires_grad());
  Tensor data = tensor;
  data.set_is_parameter(false);
  data.set_requires_grad(false);
  return call(rebuilders().parameter, {std::move(data), tensor.requires_grad(), no_hooks()});
}

Value TensorEncoder::reduce(const Tensor& tensor) const {
  const TensorExtras* extras = tensor.extras().get();
  if (extras == nullptr) return reduce_plain(tensor);
  Tensor plain = tensor;
  plain.set_extras(nullptr);
  const Value reduction = reduce_plain(plain);
  const Object& function = reduction.as_object();
  if (extras->type.is_none() && tensor.is_parameter()) {
    List arguments = function.arguments().as_tuple();
    arguments.push_back(extras->state);
    return call(rebuilders().parameter_with_state, std::move(arguments));
  }
  const Value type = extras->type.is_none() ? global("torch", "Tensor") : extras->type;
  return Object::call(global("torch._tensor", "_rebuild_from_type_v2"),
                      tuple({function.callee(), type, function.arguments(), extras->state}));
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
  List id = {storage_literal_, class_of(dtype), key,
             on_cpu ? cpu_literal_ : Value(storage.location()),
             static_cast<std::int64_t>(storage.size_bytes() / item)};
  if (ids_ == StorageIds::with_view) {
    id[2] = Value(key.as_string());  // Python makes this text anew for each reference
    id.emplace_back();
  }
  return Tuple{std::move(id)};
}

// One value for each class, however many storages it has.
const Value& TensorEncoder::class_of(std::optional<DType> dtype) {
  Value& known = classes_[dtype];
  if (known.is_none()) {
    known = global(dtype ? "torch" : "torch.storage", std::string(class_name(dtype)));
  }
  return known;
}

// The number of the storage. Empty ones have no memory to tell them apart: those that are one
// handle are one storage.
Value TensorEncoder::key_of(const Storage& storage) {
  const bool is_empty = storage.size_bytes() == 0;
  const Memory memory = {is_empty ? storage.identity() : storage.bytes().data(),
                         storage.size_bytes()};
  if (!is_empty) check_one_type(storage);
  if (memory.address != nullptr) {
    const auto known = keys_.find(memory);
    if (known != keys_.end()) return known->second;
  }
  Value key(std::to_string(storages_.size()));
  storages_.push_back(storage);
  if (memory.address != nullptr) keys_.emplace(memory, key);
  return key;
}

void TensorEncoder::check_one_type(const Storage& storage) {
  const auto [used_as, is_new] = dtypes_.try_emplace(storage.bytes().data(), storage.dtype());
  if (is_new || used_as->second == storage.dtype()) return;
  fail_at(ErrorCode::unsupported, {}, "copy one of the tensors first",
          "two tensors view the same memory as different types ({} and {})",
          class_name(used_as->second), class_name(storage.dtype()));
}

}  // namespace torchkeep::pt
