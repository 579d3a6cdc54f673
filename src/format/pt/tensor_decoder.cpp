#include <array>
#include <string_view>
#include <utility>

#include "base/fail.h"
#include "format/pt/tensor_codec.h"

namespace torchkeep::pt {
namespace {

constexpr std::size_t kMaxDimensions = 64;  // as PyTorch

bool is_storage_class(const Value& value) {
  return value.is_object() && value.as_object().form() == Object::Form::global &&
         value.as_object().name().find("Storage") != std::string::npos;
}

// The element type of a storage class; nothing for an untyped one. The module does not matter:
// torch.FloatStorage and torch.cuda.FloatStorage are the same bytes.
std::optional<DType> storage_dtype(const Object& storage_class) {
  const std::string& name = storage_class.name();
  if (name == "UntypedStorage" || name == "_UntypedStorage") return std::nullopt;
  const std::optional<DType> dtype = dtype_from_storage_class(name);
  if (!dtype) {
    fail(ErrorCode::unsupported, "a storage of class {}, which torchkeep does not know",
         storage_class.class_path());
  }
  return dtype;
}

std::uint64_t bytes_of(std::int64_t numel, std::optional<DType> dtype) {
  const std::int64_t item = dtype ? item_bytes(*dtype) : 1;
  std::int64_t bytes = 0;
  if (numel < 0 || __builtin_mul_overflow(numel, item, &bytes)) {
    fail(ErrorCode::corrupt, "a storage of {} elements", numel);
  }
  return static_cast<std::uint64_t>(bytes);
}

void expect(bool holds, const Object& callee, std::string_view what) {
  if (!holds) fail(ErrorCode::corrupt, "{} with {}", callee.class_path(), what);
}

// A tuple of sizes or strides, or a torch.Size.
Shape as_shape(const Value& value, const Object& callee) {
  expect(value.is_tuple() || value.is_list(), callee, "a shape or strides that are no tuple");
  expect(value.size() <= kMaxDimensions, callee, "more than 64 dimensions");
  Shape shape;
  for (const Value& item : value.items()) {
    expect(item.is_int(), callee, "a size or stride that is no int");
    shape.push_back(item.as_int());
  }
  return shape;
}

// Python registers hooks here that torchkeep could not keep; files of torch.save have none.
bool has_hooks(const Value& hooks) {
  return !hooks.is_none() && !(hooks.is_dict() && hooks.as_dict().empty());
}

bool is_dtype(const Value& value) {
  return value.is_object() && value.as_object().form() == Object::Form::global &&
         value.as_object().module() == "torch" &&
         dtype_from_name(value.as_object().name()).has_value();
}

class Rebuild {
 public:
  Rebuild(const Object& callee, const List& arguments, const Limits& limits)
      : callee_(callee), arguments_(arguments), limits_(limits) {}

  // (storage, offset, size, stride)
  std::optional<Value> tensor_v1() const {
    expect_count(4, 4);
    return Value(view(typed_storage_dtype()));
  }

  // (storage, offset, size, stride, requires_grad, hooks[, metadata])
  std::optional<Value> tensor_v2() const {
    expect_count(6, 7);
    const DType dtype = typed_storage_dtype();
    expect(!is_quantized(dtype), callee_, "a quantised storage");
    return with_flags(view(dtype), 4, 6);
  }

  // (storage, offset, size, stride, requires_grad, hooks, dtype[, metadata])
  std::optional<Value> tensor_v3() const {
    expect_count(7, 8);
    expect(is_dtype(arguments_[6]), callee_, "no known dtype");
    expect(arguments_[0].is_storage(), callee_, "no storage");
    return with_flags(view(*dtype_from_name(arguments_[6].as_object().name())), 4, 7);
  }

  // (storage, offset, size, stride, (scheme, ...), requires_grad, hooks)
  std::optional<Value> quantized_tensor() const {
    expect_count(7, 7);
    const DType dtype = typed_storage_dtype();
    expect(is_quantized(dtype), callee_, "a storage that is not quantised");
    const auto quantizer = as_quantizer(arguments_[4]);
    if (!quantizer) return std::nullopt;
    Tensor tensor = view(dtype);
    if (quantizer->scheme == Quantizer::Scheme::per_channel_affine) check(*quantizer, tensor);
    tensor.set_quantizer(std::make_shared<const Quantizer>(*quantizer));
    return with_flags(std::move(tensor), 5, 7);
  }

  // (tensor, requires_grad, hooks)
  std::optional<Value> parameter() const {
    expect_count(3, 3);
    if (!arguments_[0].is_tensor()) return std::nullopt;  // of a kind that was not built
    Tensor tensor = arguments_[0].as_tensor();
    tensor.set_is_parameter(true);
    return with_flags(std::move(tensor), 1, 3);
  }

 private:
  void expect_count(std::size_t least, std::size_t most) const {
    if (arguments_.size() < least || arguments_.size() > most) {
      fail(ErrorCode::corrupt, "{} with {} arguments (expected {})", callee_.class_path(),
           arguments_.size(), most);
    }
  }

  DType typed_storage_dtype() const {
    expect(arguments_[0].is_storage(), callee_, "no storage");
    const std::optional<DType> dtype = arguments_[0].as_storage().dtype();
    return dtype.value_or(DType::uint8);  // as PyTorch takes an untyped storage
  }

  Tensor view(DType dtype) const {
    expect(arguments_[1].is_int(), callee_, "a storage offset that is no int");
    Tensor tensor(arguments_[0].as_storage(), dtype, as_shape(arguments_[2], callee_),
                  as_shape(arguments_[3], callee_), arguments_[1].as_int());
    std::int64_t logical_bytes = 0;
    if (__builtin_mul_overflow(tensor.numel(), item_bytes(dtype), &logical_bytes) ||
        static_cast<std::uint64_t>(logical_bytes) > limits_.max_logical_bytes) {
      fail(ErrorCode::unsafe,
           "a tensor of shape {}, which repeats its few bytes (Limits::max_logical_bytes is {})",
           to_string(tensor.shape()), limits_.max_logical_bytes);
    }
    return tensor;
  }

  // requires_grad and hooks stand at `position`. Nothing if there is more to the tensor than that.
  std::optional<Value> with_flags(Tensor tensor, std::size_t position, std::size_t metadata) const {
    expect(arguments_[position].is_bool(), callee_, "a requires_grad that is no bool");
    if (has_hooks(arguments_[position + 1])) return std::nullopt;
    if (arguments_.size() > metadata && has_hooks(arguments_[metadata])) return std::nullopt;
    tensor.set_requires_grad(arguments_[position].as_bool());
    return Value(std::move(tensor));
  }

  // Nothing for a scheme that torchkeep does not know.
  std::optional<Quantizer> as_quantizer(const Value& value) const {
    expect(value.is_tuple() && value.size() > 0, callee_, "no quantisation parameters");
    const List& parameters = value.as_tuple();
    expect(parameters[0].is_object(), callee_, "no quantisation scheme");
    const Object& scheme = parameters[0].as_object();
    Quantizer quantizer;
    if (scheme.is_global("torch", "per_tensor_affine")) {
      expect(parameters.size() == 3 && parameters[1].is_number() && parameters[2].is_int(), callee_,
             "wrong quantisation parameters");
      quantizer.scale = parameters[1].as_double();
      quantizer.zero_point = parameters[2].as_int();
      return quantizer;
    }
    if (!scheme.is_global("torch", "per_channel_affine")) return std::nullopt;
    if (parameters.size() == 4 && parameters[1].is_list()) return std::nullopt;  // very old files
    expect(parameters.size() == 4 && parameters[1].is_tensor() && parameters[2].is_tensor() &&
               parameters[3].is_int(),
           callee_, "wrong quantisation parameters");
    quantizer.scheme = Quantizer::Scheme::per_channel_affine;
    quantizer.scales = parameters[1].as_tensor();
    quantizer.zero_points = parameters[2].as_tensor();
    quantizer.axis = parameters[3].as_int();
    return quantizer;
  }

  void check(const Quantizer& quantizer, const Tensor& tensor) const {
    const std::int64_t axis = quantizer.axis;
    expect(axis >= 0 && axis < tensor.dim(), callee_, "a channel axis outside of the shape");
    const Shape channels = {tensor.shape()[static_cast<std::size_t>(axis)]};
    expect(quantizer.scales.shape() == channels && quantizer.zero_points.shape() == channels,
           callee_, "scales or zero points that are not one for each channel");
  }

  const Object& callee_;
  const List& arguments_;
  const Limits& limits_;
};

struct Rebuilder {
  std::string_view name;  // in torch._utils
  std::optional<Value> (Rebuild::*build)() const;
};

constexpr auto kRebuilders = std::to_array<Rebuilder>({
    {"_rebuild_tensor", &Rebuild::tensor_v1},
    {"_rebuild_tensor_v2", &Rebuild::tensor_v2},
    {"_rebuild_tensor_v3", &Rebuild::tensor_v3},
    {"_rebuild_qtensor", &Rebuild::quantized_tensor},
    {"_rebuild_parameter", &Rebuild::parameter},
});

}  // namespace

TensorDecoder::TensorDecoder(LoadStorage load_storage, const Limits& limits)
    : load_storage_(std::move(load_storage)), limits_(limits) {}

pickle::DecodeHooks TensorDecoder::hooks() {
  return {.persistent_load = [this](const Value& id) { return load(id); },
          .build = [this](const Object& callee,
                          const List& arguments) { return build(callee, arguments); }};
}

// ('storage', class, key, location, number of elements)
Value TensorDecoder::load(const Value& id) {
  const bool is_storage = id.is_tuple() && id.size() == 5 && id[0].is_string() &&
                          id[0].as_string() == "storage" && is_storage_class(id[1]) &&
                          id[2].is_string() && id[3].is_string() && id[4].is_int();
  if (!is_storage) {
    fail(ErrorCode::corrupt,
         "a reference to data outside of the pickle that is no storage (expected ('storage', "
         "class, key, location, number of elements))");
  }
  const std::string& key = id[2].as_string();
  const std::optional<DType> dtype = storage_dtype(id[1].as_object());
  const std::uint64_t bytes = bytes_of(id[4].as_int(), dtype);
  const auto known = loaded_.find(key);
  if (known != loaded_.end()) {
    // Python lets tensors of several types share a storage only while it is empty.
    if (bytes == 0 && known->second.bytes == 0 && known->second.dtype != dtype) {
      return Storage(nullptr, 0, nullptr, dtype, id[3].as_string());
    }
    if (known->second.dtype != dtype || known->second.bytes != bytes) {
      fail(ErrorCode::corrupt, "storage {} is described in two ways", key);
    }
    return known->second.storage;
  }
  Storage storage = load_storage_(key, dtype, id[3].as_string(), bytes);
  if (storage.size_bytes() != bytes) {
    fail(ErrorCode::corrupt, "storage {} has the wrong size (expected {} bytes, got {})", key,
         bytes, storage.size_bytes());
  }
  return loaded_.emplace(key, Loaded{dtype, bytes, std::move(storage)}).first->second.storage;
}

std::optional<Value> TensorDecoder::build(const Object& callee, const List& arguments) const {
  if (callee.form() != Object::Form::global || callee.module() != "torch._utils") {
    return std::nullopt;
  }
  for (const Rebuilder& rebuilder : kRebuilders) {
    if (rebuilder.name == callee.name()) {
      return (Rebuild(callee, arguments, limits_).*rebuilder.build)();
    }
  }
  return std::nullopt;
}

}  // namespace torchkeep::pt
