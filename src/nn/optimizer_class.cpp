#include "nn/optimizer_class.h"

#include <algorithm>
#include <tuple>
#include <type_traits>
#include <utility>

#include <ATen/ops/full_like.h>
#include <torch/optim/adagrad.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>

#include "base/fail.h"
#include "nn/optimizer_entries.h"

namespace torchkeep {
namespace optimizer_class_detail {

using Betas = std::tuple<double, double>;

Value option_value(double value) { return value; }
Value option_value(bool value) { return value; }
Value option_value(const Betas& betas) { return tuple({std::get<0>(betas), std::get<1>(betas)}); }

void assign(double& option, const Value& value) { option = value.as_double(); }
void assign(bool& option, const Value& value) { option = value.as_bool(); }
void assign(Betas& option, const Value& value) {
  if (value.items().size() != 2) {
    fail(ErrorCode::mismatch, "expected two numbers, got {}", to_string(value));
  }
  option = {value[0].as_double(), value[1].as_double()};
}

// `access` returns a reference to the field of the options, const or not as they are.
template <class Options, class Access>
OptimizerOption option(std::string_view key, Access access) {
  return {key,
          [access](const OptimizerOption::Options& options) {
            return option_value(access(static_cast<const Options&>(options)));
          },
          [access](OptimizerOption::Options& options, const Value& value) {
            assign(access(static_cast<Options&>(options)), value);
          }};
}

// LibTorch has no such option, and behaves as Python does with this value.
OptimizerOption python_only(std::string_view key, Value value) {
  return {key, [value](const OptimizerOption::Options&) { return value; }, nullptr};
}

template <class State, class Access>
OptimizerStateTensor tensor(std::string_view key, Access access) {
  return {key,
          [access](const OptimizerStateTensor::State& state) {
            return access(static_cast<const State&>(state));
          },
          [access](OptimizerStateTensor::State& state, at::Tensor value) {
            access(static_cast<State&>(state)) = std::move(value);
          },
          [](const torch::optim::OptimizerOptions&) { return true; }};
}

// The same for a tensor that only some options need.
template <class State, class Options, class Access, class Needed>
OptimizerStateTensor optional_tensor(std::string_view key, Access access, Needed needed) {
  OptimizerStateTensor field = tensor<State>(key, access);
  field.is_needed = [needed](const torch::optim::OptimizerOptions& options) {
    return needed(static_cast<const Options&>(options));
  };
  return field;
}

template <class Class, class Options, class State>
OptimizerClass describe(std::string_view name, StepForm step_form) {
  OptimizerClass description;
  description.name = name;
  description.is_class_of = [](const torch::optim::Optimizer& optimizer) {
    return dynamic_cast<const Class*>(&optimizer) != nullptr;
  };
  description.step_form = step_form;
  if constexpr (requires(State state) { state.step(); }) {
    description.read_step = [](const OptimizerClass::State& state) {
      return static_cast<const State&>(state).step();
    };
    description.write_step = [](OptimizerClass::State& state, std::int64_t step) {
      static_cast<State&>(state).step(step);
    };
  }
  description.new_state = [] { return std::make_unique<State>(); };
  description.with_entries = [](const OptimizerClass::Options& options, Dict entries) {
    return std::make_unique<OptionsWithEntries<Options>>(static_cast<const Options&>(options),
                                                         std::move(entries));
  };
  return description;
}

OptimizerClass describe_sgd() {
  using Options = torch::optim::SGDOptions;
  using State = torch::optim::SGDParamState;
  OptimizerClass sgd = describe<torch::optim::SGD, Options, State>("SGD", StepForm::none);
  sgd.options = {
      option<Options>(
          "lr", [](auto& o) -> auto& { return o.lr(); }),
      option<Options>(
          "momentum", [](auto& o) -> auto& { return o.momentum(); }),
      option<Options>(
          "dampening", [](auto& o) -> auto& { return o.dampening(); }),
      option<Options>(
          "weight_decay", [](auto& o) -> auto& { return o.weight_decay(); }),
      option<Options>(
          "nesterov", [](auto& o) -> auto& { return o.nesterov(); }),
      python_only("maximize", false),
      python_only("foreach", Value()),
      python_only("differentiable", false),
  };
  sgd.tensors = {tensor<State>(
      "momentum_buffer", [](auto& s) -> auto& { return s.momentum_buffer(); })};
  return sgd;
}

// Adam and AdamW differ in nothing but what they do with the weight decay.
template <class Class, class Options, class State>
OptimizerClass describe_adam_family(std::string_view name) {
  OptimizerClass adam = describe<Class, Options, State>(name, StepForm::float_tensor);
  adam.options = {
      option<Options>(
          "lr", [](auto& o) -> auto& { return o.lr(); }),
      option<Options>(
          "betas", [](auto& o) -> auto& { return o.betas(); }),
      option<Options>(
          "eps", [](auto& o) -> auto& { return o.eps(); }),
      option<Options>(
          "weight_decay", [](auto& o) -> auto& { return o.weight_decay(); }),
      option<Options>(
          "amsgrad", [](auto& o) -> auto& { return o.amsgrad(); }),
  };
  adam.tensors = {
      tensor<State>(
          "exp_avg", [](auto& s) -> auto& { return s.exp_avg(); }),
      tensor<State>(
          "exp_avg_sq", [](auto& s) -> auto& { return s.exp_avg_sq(); }),
      optional_tensor<State, Options>(
          "max_exp_avg_sq", [](auto& s) -> auto& { return s.max_exp_avg_sq(); },
          [](const Options& o) { return o.amsgrad(); }),
  };
  return adam;
}

OptimizerClass describe_adam() {
  OptimizerClass adam = describe_adam_family<torch::optim::Adam, torch::optim::AdamOptions,
                                             torch::optim::AdamParamState>("Adam");
  for (OptimizerOption& each : std::vector<OptimizerOption>{
           python_only("maximize", false), python_only("foreach", Value()),
           python_only("capturable", false), python_only("differentiable", false),
           python_only("fused", false), python_only("decoupled_weight_decay", false)}) {
    adam.options.push_back(std::move(each));
  }
  return adam;
}

OptimizerClass describe_adamw() {
  OptimizerClass adamw = describe_adam_family<torch::optim::AdamW, torch::optim::AdamWOptions,
                                              torch::optim::AdamWParamState>("AdamW");
  for (OptimizerOption& each : std::vector<OptimizerOption>{
           python_only("foreach", Value()), python_only("maximize", false),
           python_only("capturable", false), python_only("decoupled_weight_decay", true)}) {
    adamw.options.push_back(std::move(each));
  }
  return adamw;
}

OptimizerClass describe_rmsprop() {
  using Options = torch::optim::RMSpropOptions;
  using State = torch::optim::RMSpropParamState;
  // Python has counted with an int up to 1.13, and its later releases convert one on loading.
  OptimizerClass rmsprop =
      describe<torch::optim::RMSprop, Options, State>("RMSprop", StepForm::integer);
  rmsprop.options = {
      option<Options>(
          "lr", [](auto& o) -> auto& { return o.lr(); }),
      option<Options>(
          "momentum", [](auto& o) -> auto& { return o.momentum(); }),
      option<Options>(
          "alpha", [](auto& o) -> auto& { return o.alpha(); }),
      option<Options>(
          "eps", [](auto& o) -> auto& { return o.eps(); }),
      option<Options>(
          "centered", [](auto& o) -> auto& { return o.centered(); }),
      option<Options>(
          "weight_decay", [](auto& o) -> auto& { return o.weight_decay(); }),
      python_only("foreach", Value()),
      python_only("maximize", false),
      python_only("differentiable", false),
  };
  rmsprop.tensors = {
      tensor<State>(
          "square_avg", [](auto& s) -> auto& { return s.square_avg(); }),
      optional_tensor<State, Options>(
          "momentum_buffer", [](auto& s) -> auto& { return s.momentum_buffer(); },
          [](const Options& o) { return o.momentum() > 0; }),
      optional_tensor<State, Options>(
          "grad_avg", [](auto& s) -> auto& { return s.grad_avg(); },
          [](const Options& o) { return o.centered(); }),
  };
  return rmsprop;
}

OptimizerClass describe_adagrad() {
  using Options = torch::optim::AdagradOptions;
  using State = torch::optim::AdagradParamState;
  OptimizerClass adagrad =
      describe<torch::optim::Adagrad, Options, State>("Adagrad", StepForm::float_tensor);
  adagrad.options = {
      option<Options>(
          "lr", [](auto& o) -> auto& { return o.lr(); }),
      option<Options>(
          "lr_decay", [](auto& o) -> auto& { return o.lr_decay(); }),
      option<Options>(
          "eps", [](auto& o) -> auto& { return o.eps(); }),
      option<Options>(
          "weight_decay", [](auto& o) -> auto& { return o.weight_decay(); }),
      option<Options>(
          "initial_accumulator_value",
          [](auto& o) -> auto& { return o.initial_accumulator_value(); }),
      python_only("foreach", Value()),
      python_only("maximize", false),
  };
  adagrad.tensors = {tensor<State>(
      "sum", [](auto& s) -> auto& { return s.sum(); })};
  adagrad.initial_state = [](const at::Tensor& parameter, const OptimizerClass::Options& options) {
    auto state = std::make_unique<State>();
    const double start = static_cast<const Options&>(options).initial_accumulator_value();
    state->sum(at::full_like(parameter.detach(), start));
    return state;
  };
  return adagrad;
}

}  // namespace optimizer_class_detail

bool OptimizerClass::has_option(std::string_view key) const {
  return std::any_of(options.begin(), options.end(),
                     [key](const OptimizerOption& option) { return option.key == key; });
}

const std::vector<OptimizerClass>& optimizer_classes() {
  static const std::vector<OptimizerClass> classes = {
      optimizer_class_detail::describe_sgd(), optimizer_class_detail::describe_adam(),
      optimizer_class_detail::describe_adamw(), optimizer_class_detail::describe_rmsprop(),
      optimizer_class_detail::describe_adagrad()};
  return classes;
}

const OptimizerClass& class_of(const torch::optim::Optimizer& optimizer) {
  std::string known;
  for (const OptimizerClass& each : optimizer_classes()) {
    if (each.is_class_of(optimizer)) return each;
    known += (known.empty() ? "" : ", ") + std::string(each.name);
  }
  fail_at(ErrorCode::unsupported, {}, "those that can are " + known,
          "an optimizer of this class cannot be saved or loaded");
}

}  // namespace torchkeep
