#include <unordered_map>
#include <utility>

#include <torchkeep/convert.h>
#include <torchkeep/ema.h>
#include <torchkeep/match.h>
#include <torchkeep/module.h>

#include <ATen/Functions.h>
#include <ATen/core/grad_mode.h>
#include <torch/nn/module.h>

#include "base/fail.h"
#include "nn/module_walk.h"

namespace torchkeep {
namespace ema_detail {

using Tensors = std::vector<at::Tensor>;

void copy(const Tensors& from, const Tensors& to) {
  for (std::size_t i = 0; i < from.size(); ++i) to[i].copy_(from[i]);
}

void exchange(const Tensors& a, const Tensors& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    const at::Tensor before = a[i].clone();
    a[i].copy_(b[i]);
    b[i].copy_(before);
  }
}

}  // namespace ema_detail

Ema::Ema(const torch::nn::Module& module, double decay) : module_(module), decay_(decay) {
  if (!(decay >= 0.0 && decay < 1.0)) {
    fail(ErrorCode::invalid_argument, "the decay of the average is {} (expected 0 to below 1)",
         decay);
  }
  const at::NoGradGuard no_gradients;
  std::unordered_map<const void*, at::Tensor> known;  // tied parameters have one average
  for (const NamedTensor& each : all_tensors(module)) {
    at::Tensor& average = known[each.tensor.unsafeGetTensorImpl()];
    if (!average.defined()) {
      average = each.tensor.detach().clone();
      const bool is_averaged = each.role == NamedTensor::Role::parameter &&
                               (each.tensor.is_floating_point() || each.tensor.is_complex());
      (is_averaged ? parameters_ : buffers_).push_back(each.tensor);
      (is_averaged ? averages_ : copies_).push_back(average);
    }
    in_order_of_names_.push_back(average);
  }
}

void Ema::update() {
  const at::NoGradGuard no_gradients;
  // Written so, an average that equals its parameter stays what it is, to the bit.
  for (std::size_t i = 0; i < averages_.size(); ++i) {
    averages_[i].add_(parameters_[i] - averages_[i], 1.0 - decay_);
  }
  ema_detail::copy(buffers_, copies_);
}

void Ema::restart() {
  const at::NoGradGuard no_gradients;
  ema_detail::copy(parameters_, averages_);
  ema_detail::copy(buffers_, copies_);
}

StateDict Ema::state_dict() const {
  StateDict result = torchkeep::state_dict(module_);
  std::size_t position = 0;
  for (const NamedTensor& each : all_tensors(module_)) {
    result.set(each.name, from_torch(in_order_of_names_[position++]));
  }
  return result;
}

void Ema::check(const Value& state_dict) const {
  LoadReport report = match(state_dict_form(module_), state_dict.as_state_dict());
  if (!report.ok()) throw MismatchError(std::move(report));
}

void Ema::load_state_dict(const Value& state_dict) {
  check(state_dict);
  const StateDict source = state_dict.as_state_dict();
  const at::NoGradGuard no_gradients;
  std::size_t position = 0;
  for (const NamedTensor& each : all_tensors(module_)) {
    const at::Tensor& average = in_order_of_names_[position++];
    average.copy_(to_torch(source[each.name]).reshape_as(average));
  }
}

void Ema::swap() {
  const at::NoGradGuard no_gradients;
  ema_detail::exchange(parameters_, averages_);
  ema_detail::exchange(buffers_, copies_);
}

}  // namespace torchkeep
