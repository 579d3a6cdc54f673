#include "format/pt/rebuild.h"

#include <array>
#include <utility>

#include <torchkeep/tensor_extras.h>

#include "base/fail.h"

namespace torchkeep::pt {
namespace {

constexpr std::size_t kMaxDimensions = 64;  // as PyTorch

// Python registers hooks here that torchkeep could not keep; files of torch.save have none.
bool has_hooks(const Value& hooks) {
  return !hooks.is_none() && !(hooks.is_dict() && hooks.as_dict().empty());
}

std::optional<DType> as_dtype(const Value& value) {
  const bool is_of_torch = value.is_object() && value.as_object().form() == Object::Form::global &&
                           value.as_object().module() == "torch";
  return is_of_torch ? dtype_from_name(value.as_object().name()) : std::nullopt;
}

// Python attributes, or none. Others would let tensors nest without a container between them.
bool is_state(const Value& value) {
  return value.is_none() || value.is_dict() || (value.is_tuple() && value.size() == 2);
}

class Rebuild {
 public:
  Rebuild(const Object& callee, const List& arguments, const Limits& limits, ContentChecks& checks)
      : callee_(callee), arguments_(arguments), limits_(limits), checks_(checks) {}

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
    const std::optional<DType> dtype = as_dtype(arguments_[6]);
    expect(dtype.has_value(), callee_, "no known dtype");
    expect(arguments_[0].is_storage(), callee_, "no storage");
    return with_flags(view(*dtype), 4, 7);
  }

  // (storage, offset, size, stride, (scheme, ...), requires_grad, hooks)
  std::optional<Value> quantized_tensor() const {
    expect_count(7, 7);
    const DType dtype = typed_storage_dtype();
    expect(is_quantized(dtype), callee_, "a storage that is not quantised");
    Tensor tensor = view(dtype);
    auto quantizer = as_quantizer(arguments_[4], tensor, callee_, checks_);
    if (!quantizer) return std::nullopt;
    tensor.set_quantizer(std::make_shared<const Quantizer>(std::move(*quantizer)));
    return with_flags(std::move(tensor), 5, 7);
  }

  // (tensor, requires_grad, hooks)
  std::optional<Value> parameter() const {
    expect_count(3, 3);
    return as_parameter();
  }

  // (tensor, requires_grad, hooks, state)
  std::optional<Value> parameter_with_state() const {
    expect_count(4, 4);
    const std::optional<Value> parameter = as_parameter();
    if (!parameter || !is_state(arguments_[3])) return std::nullopt;
    return with_extras(parameter->as_tensor(), {Value(), arguments_[3]});
  }

  // (function, class, arguments of the function, state)
  std::optional<Value> subclass() const {
    expect_count(4, 4);
    const auto is_global = [](const Value& value) {
      return value.is_object() && value.as_object().form() == Object::Form::global;
    };
    expect(is_global(arguments_[0]), callee_, "no function");
    expect(arguments_[2].is_tuple(), callee_, "arguments that are no tuple");
    const Object& function = arguments_[0].as_object();
    if (!is_global(arguments_[1]) || !is_state(arguments_[3])) return std::nullopt;
    if (function.module() != "torch._utils") return std::nullopt;  // not this function once more
    const std::optional<Value> data = rebuild(function, arguments_[2].as_tuple(), limits_, checks_);
    if (!data) return std::nullopt;
    return with_extras(data->as_tensor(), {arguments_[1], arguments_[3]});
  }

  // (layout, parts)
  std::optional<Value> sparse() const {
    check_sparse(callee_, arguments_, checks_);
    return std::nullopt;
  }

  // (dtype, size, stride, requires_grad)
  std::optional<Value> meta_tensor() const {
    expect_count(4, 4);
    expect(as_dtype(arguments_[0]).has_value(), callee_, "no known dtype");
    const Shape shape = as_shape(arguments_[1], callee_);
    expect(as_shape(arguments_[2], callee_).size() == shape.size(), callee_,
           "shape and strides of different lengths");
    count_elements(shape);
    return std::nullopt;
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
    tensor.set_requires_grad(arguments_[position].as_bool());
    if (arguments_.size() > metadata) apply_metadata(arguments_[metadata], tensor);
    return Value(std::move(tensor));
  }

  // {'conj': True, 'neg': True}, or some of it.
  void apply_metadata(const Value& metadata, Tensor& tensor) const {
    if (metadata.is_none()) return;
    expect(metadata.is_dict(), callee_, "metadata that is no dict");
    for (const auto& [key, on] : metadata.as_dict()) {
      expect(key.is_string() && on.is_bool(), callee_, "metadata other than conj and neg");
      if (key.as_string() == "conj") {
        tensor.set_is_conjugated(on.as_bool());
      } else {
        expect(key.as_string() == "neg", callee_, "metadata other than conj and neg");
        tensor.set_is_negated(on.as_bool());
      }
    }
  }

  // Nothing where the data is of a kind that was not built, or more than data.
  std::optional<Value> as_parameter() const {
    if (!arguments_[0].is_tensor()) return std::nullopt;
    Tensor tensor = arguments_[0].as_tensor();
    if (tensor.is_parameter() || tensor.requires_grad() || tensor.extras() != nullptr) {
      return std::nullopt;
    }
    tensor.set_is_parameter(true);
    return with_flags(std::move(tensor), 1, 4);
  }

  std::optional<Value> with_extras(Tensor tensor, TensorExtras extras) const {
    if (tensor.extras() != nullptr) return std::nullopt;
    tensor.set_extras(std::make_shared<TensorExtras>(std::move(extras)));
    return Value(std::move(tensor));
  }

  const Object& callee_;
  const List& arguments_;
  const Limits& limits_;
  ContentChecks& checks_;
};

struct Rebuilder {
  std::string_view module;
  std::string_view name;
  std::optional<Value> (Rebuild::*build)() const;
};

constexpr auto kRebuilders = std::to_array<Rebuilder>({
    {"torch._utils", "_rebuild_tensor", &Rebuild::tensor_v1},
    {"torch._utils", "_rebuild_tensor_v2", &Rebuild::tensor_v2},
    {"torch._utils", "_rebuild_tensor_v3", &Rebuild::tensor_v3},
    {"torch._utils", "_rebuild_qtensor", &Rebuild::quantized_tensor},
    {"torch._utils", "_rebuild_parameter", &Rebuild::parameter},
    {"torch._utils", "_rebuild_parameter_with_state", &Rebuild::parameter_with_state},
    {"torch._utils", "_rebuild_sparse_tensor", &Rebuild::sparse},
    {"torch._utils", "_rebuild_sparse_csr_tensor", &Rebuild::sparse},
    {"torch._utils", "_rebuild_meta_tensor_no_storage", &Rebuild::meta_tensor},
    {"torch._tensor", "_rebuild_from_type_v2", &Rebuild::subclass},
});

}  // namespace

void expect(bool holds, const Object& callee, std::string_view what) {
  if (!holds) fail(ErrorCode::corrupt, "{} with {}", callee.class_path(), what);
}

Shape as_shape(const Value& value, const Object& callee) {
  const Value* sizes = &value;
  if (value.is_object() && value.as_object().is_call_of("torch", "Size") &&
      value.as_object().arguments().size() == 1) {
    sizes = &value.as_object().arguments()[0];
  }
  expect(sizes->is_tuple() || sizes->is_list(), callee, "a shape or strides that are no tuple");
  expect(sizes->size() <= kMaxDimensions, callee, "more than 64 dimensions");
  Shape shape;
  for (const Value& item : sizes->items()) {
    expect(item.is_int(), callee, "a size or stride that is no int");
    shape.push_back(item.as_int());
  }
  return shape;
}

std::optional<Value> rebuild(const Object& callee,
                             const List& arguments,
                             const Limits& limits,
                             ContentChecks& checks) {
  for (const Rebuilder& rebuilder : kRebuilders) {
    if (callee.is_global(rebuilder.module, rebuilder.name)) {
      return (Rebuild(callee, arguments, limits, checks).*rebuilder.build)();
    }
  }
  return std::nullopt;
}

}  // namespace torchkeep::pt
