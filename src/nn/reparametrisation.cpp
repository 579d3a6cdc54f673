#include "nn/reparametrisation.h"

#include <algorithm>
#include <string>
#include <utility>

#include <ATen/Functions.h>
#include <c10/core/GradMode.h>
#include <torch/nn/module.h>

#include "base/fail.h"
#include "nn/module_parameters.h"

namespace torchkeep {

namespace reparametrisation_detail {

using Compute = std::function<at::Tensor(torch::nn::Module&)>;

constexpr std::string_view kPreHooks = "_forward_pre_hooks";

const Value& attribute(const Object& hook, std::string_view name) {
  const Value* value = hook.attribute(name);
  if (!value) fail(ErrorCode::mismatch, "a {} without '{}'", hook.class_path(), name);
  return *value;
}

at::Tensor parameter(const torch::nn::Module& module, const std::string& name) {
  const at::Tensor* tensor = parameters_of(module).find(name);
  if (!tensor || !tensor->defined()) fail(ErrorCode::mismatch, "there is no parameter '{}'", name);
  return *tensor;
}

at::Tensor buffer(const torch::nn::Module& module, const std::string& name) {
  const auto buffers = module.named_buffers(/*recurse=*/false);
  const at::Tensor* tensor = buffers.find(name);
  if (!tensor) fail(ErrorCode::mismatch, "there is no buffer '{}'", name);
  return *tensor;
}

// weight = g * v / |v|, with a norm for each index of `dim` (Salimans and Kingma, 2016).
Compute weight_norm(const Object& hook, const std::string& name) {
  const std::int64_t dim = attribute(hook, "dim").as_int();
  return [name, dim](torch::nn::Module& module) {
    const at::Tensor v = parameter(module, name + "_v");
    return v * (parameter(module, name + "_g") / at::norm_except_dim(v, 2, dim));
  };
}

at::Tensor as_matrix(const at::Tensor& weight, std::int64_t dim) {
  const at::Tensor rows_first = weight.movedim(dim, 0);
  return rows_first.reshape({rows_first.size(0), -1});
}

at::Tensor normalised(const at::Tensor& vector, double eps) {
  return vector / vector.norm().clamp_min(eps);
}

// weight = W / sigma, where sigma = u W v is the largest singular value (Miyato et al., 2018). In
// training u and v come closer to the singular vectors with each forward.
Compute spectral_norm(const Object& hook, const std::string& name) {
  const std::int64_t dim = attribute(hook, "dim").as_int();
  const std::int64_t iterations = attribute(hook, "n_power_iterations").as_int();
  const double eps = attribute(hook, "eps").as_double();
  return [=](torch::nn::Module& module) {
    const at::Tensor weight = parameter(module, name + "_orig");
    const at::Tensor matrix = as_matrix(weight, dim);
    at::Tensor u = buffer(module, name + "_u");
    at::Tensor v = buffer(module, name + "_v");
    if (module.is_training()) {
      const c10::NoGradGuard no_grad;
      for (std::int64_t i = 0; i < iterations; ++i) {
        v.copy_(normalised(at::mv(matrix.t(), u), eps));
        u.copy_(normalised(at::mv(matrix, v), eps));
      }
      // The graph refers to these values, which the next forward overwrites.
      u = u.clone();
      v = v.clone();
    }
    return weight / at::dot(u, at::mv(matrix, v));
  };
}

void add(Layer& layer, const std::string& name, Compute compute) {
  const auto member =
      std::ranges::find(layer.members, std::string_view(name), &Layer::Member::name);
  if (member == layer.members.end() || !layer.forward) {
    fail(ErrorCode::unsupported, "a normalised '{}' in a {}", name, layer.module->name());
  }
  layer.forward = [compute = std::move(compute), member = *member, module = layer.module,
                   forward = layer.forward](const at::Tensor& x) {
    *member.tensor = compute(*module);
    return forward(x);
  };
}

// The dimension along which the norms were kept, as their shape shows it.
Value norm_dim(const at::Tensor& g) {
  for (std::int64_t dim = 0; dim < g.dim(); ++dim) {
    if (g.size(dim) != 1) return dim;
  }
  return g.dim() == 0 ? Value(-1) : Value(0);
}

Value hook(std::string module, std::string name, Value state) {
  Object object = Object::instance(Object::global(std::move(module), std::move(name)), Tuple{});
  object.state = std::move(state);
  return object;
}

}  // namespace reparametrisation_detail

void add_reparametrisations(const ModuleNode& node, Layer& layer) {
  namespace detail = reparametrisation_detail;
  const Value* hooks = node.hooks.find(detail::kPreHooks);
  if (!hooks) return;
  for (const auto& [id, value] : hooks->as_dict()) {
    if (!value.is_object()) continue;
    const Object& hook = value.as_object();
    const std::string path = hook.class_path();
    const bool is_weight_norm = path == "torch.nn.utils.weight_norm.WeightNorm";
    if (!is_weight_norm && path != "torch.nn.utils.spectral_norm.SpectralNorm") continue;
    const std::string name = detail::attribute(hook, "name").as_string();
    detail::add(
        layer, name,
        is_weight_norm ? detail::weight_norm(hook, name) : detail::spectral_norm(hook, name));
  }
}

Dict reparametrisation_hooks(const torch::nn::Module& module) {
  namespace detail = reparametrisation_detail;
  Dict hooks(Dict::Type::ordered);
  std::int64_t id = 0;
  const auto& parameters = parameters_of(module);
  for (const auto& item : parameters) {
    const std::string& key = item.key();
    const std::string name = key.substr(0, key.rfind('_'));
    if (key.ends_with("_g") && parameters.contains(name + "_v")) {
      hooks.set(id++,
                detail::hook("torch.nn.utils.weight_norm", "WeightNorm",
                             dict({{"name", name}, {"dim", detail::norm_dim(item.value())}})));
    } else if (key.ends_with("_orig") && module.named_buffers(false).contains(name + "_u")) {
      hooks.set(id++,
                detail::hook(
                    "torch.nn.utils.spectral_norm", "SpectralNorm",
                    dict({{"name", name}, {"dim", 0}, {"n_power_iterations", 1}, {"eps", 1e-12}})));
    }
  }
  return hooks;
}

}  // namespace torchkeep
