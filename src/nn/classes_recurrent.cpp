// torch.nn.modules.rnn
#include <torch/nn/modules/rnn.h>

#include "nn/layer_field.h"

namespace torchkeep {

namespace classes_recurrent_detail {

namespace nn = torch::nn;
using layers::field;
using layers::Field;
using Base = nn::detail::RNNOptionsBase;

std::vector<Field<Base>> fields() {
  Field<Base> mode = layers::choice("mode", &Base::mode,
                                    {{"LSTM", torch::kLSTM},
                                     {"GRU", torch::kGRU},
                                     {"RNN_TANH", torch::kRNN_TANH},
                                     {"RNN_RELU", torch::kRNN_RELU}});
  return {mode,
          field("input_size", &Base::input_size),
          field("hidden_size", &Base::hidden_size),
          field("num_layers", &Base::num_layers),
          field("bias", &Base::bias),
          field("batch_first", &Base::batch_first),
          field("dropout", &Base::dropout),
          field("bidirectional", &Base::bidirectional),
          field("proj_size", &Base::proj_size)};
}

// The names of the parameters of each layer and direction, in the order of Python's class.
std::vector<std::vector<std::string>> weight_names(const Base& options) {
  std::vector<std::vector<std::string>> names;
  for (std::int64_t layer = 0; layer < options.num_layers(); ++layer) {
    for (const char* direction : {"", "_reverse"}) {
      if (*direction != '\0' && !options.bidirectional()) continue;
      const std::string end = fmt::format("_l{}{}", layer, direction);
      std::vector<std::string> of_layer = {"weight_ih" + end, "weight_hh" + end};
      if (options.bias()) of_layer.insert(of_layer.end(), {"bias_ih" + end, "bias_hh" + end});
      if (options.proj_size() > 0) of_layer.push_back("weight_hr" + end);
      names.push_back(std::move(of_layer));
    }
  }
  return names;
}

Base options_of(const ModuleNode& node) {
  Base options(torch::kLSTM, 1, 1);
  layers::read_fields(fields(), node, options);
  if (options.num_layers() < 1 ||
      options.num_layers() > static_cast<std::int64_t>(node.parameters.size())) {
    fail(ErrorCode::mismatch, "num_layers={} with {} parameters", options.num_layers(),
         node.parameters.size());
  }
  for (const auto& of_layer : weight_names(options)) {
    for (const std::string& name : of_layer) {
      const Value* weight = node.parameter(name);
      if (weight && weight->is_tensor()) continue;
      fail_at(ErrorCode::mismatch, {.tensor = name}, "", "the parameter is missing");
    }
  }
  return options;
}

// As small as the number of its parameters allows.
template <class Options>
Options smallest(const Base& base) {
  Options options(1, 2);
  options.num_layers(base.num_layers()).bias(base.bias()).bidirectional(base.bidirectional());
  if constexpr (requires { options.proj_size(1); }) {
    if (base.proj_size() > 0) options.proj_size(1);
  }
  return options;
}

// Both of a module's options: those of its class, and those that the forward uses.
template <class Impl>
void set_options(Impl& module, const Base& base) {
  module.options_base = base;
  module.options.input_size(base.input_size())
      .hidden_size(base.hidden_size())
      .batch_first(base.batch_first())
      .dropout(base.dropout());
  if constexpr (requires { module.options.proj_size(1); }) {
    module.options.proj_size(base.proj_size());
  }
  if constexpr (requires { module.options.nonlinearity(torch::kReLU); }) {
    const bool is_relu = get_if<torch::enumtype::kRNN_RELU>(&base.mode()) != nullptr;
    if (is_relu) module.options.nonlinearity(torch::kReLU);
  }
}

// The list of weights that the forward uses, from the module's parameters.
template <class Impl>
void reset_weights(Impl& module) {
  struct Access : Impl {
    static auto function() { return &Access::reset_flat_weights; }
  };
  (module.*Access::function())();
}

template <class Impl>
Layer build(LayerBuilder& builder, std::size_t index) {
  const ModuleNode& node = builder.node(index);
  const Base base = options_of(node);
  const auto module = std::make_shared<Impl>(smallest<layers::OptionsOf<Impl>>(base));
  set_options(*module, base);
  builder.set_tensors(*module, node, {});
  reset_weights(*module);
  return {module, [module](const at::Tensor& x) { return std::get<0>(module->forward(x)); },
          /*gives_tuple=*/true};
}

template <class Impl>
Dict attributes(const nn::Module& module) {
  const Base& options = dynamic_cast<const Impl&>(module).options_base;
  Dict result = layers::written_fields(fields(), options);
  List flat;
  List all;
  for (const auto& of_layer : weight_names(options)) {
    const List names(of_layer.begin(), of_layer.end());
    flat.insert(flat.end(), names.begin(), names.end());
    all.emplace_back(names);
  }
  result.set("_flat_weights_names", std::move(flat));
  result.set("_all_weights", std::move(all));
  return result;
}

template <class Impl>
LayerClass recurrent(const std::string& name) {
  return {.path = "torch.nn.modules.rnn." + name,
          .type = typeid(Impl),
          .build = build<Impl>,
          .attributes = attributes<Impl>};
}

LayerClass rnn() {
  LayerClass result = recurrent<nn::RNNImpl>("RNN");
  result.attributes = [](const nn::Module& module) {
    Dict of_all = attributes<nn::RNNImpl>(module);
    const bool is_relu = of_all.find("mode")->as_string() == "RNN_RELU";
    of_all.set("nonlinearity", is_relu ? "relu" : "tanh");
    return of_all;
  };
  return result;
}

using CellBase = nn::detail::RNNCellOptionsBase;

std::vector<Field<CellBase>> cell_fields() {
  return {field("input_size", &CellBase::input_size), field("hidden_size", &CellBase::hidden_size),
          field("bias", &CellBase::bias)};
}

template <class Impl>
Layer build_cell(LayerBuilder& builder, std::size_t index) {
  const ModuleNode& node = builder.node(index);
  const auto module = std::make_shared<Impl>(layers::OptionsOf<Impl>(1, 1));
  layers::read_fields(cell_fields(), node, module->options_base);
  module->options.input_size(module->options_base.input_size())
      .hidden_size(module->options_base.hidden_size())
      .bias(module->options_base.bias());
  if constexpr (requires { module->options.nonlinearity(torch::kReLU); }) {
    const Value* nonlinearity = node.attributes.find("nonlinearity");
    if (nonlinearity && nonlinearity->as_string() == "relu") {
      module->options.nonlinearity(torch::kReLU);
    }
  }
  const std::vector<Layer::Member> members = {{"weight_ih", &module->weight_ih},
                                              {"weight_hh", &module->weight_hh},
                                              {"bias_ih", &module->bias_ih},
                                              {"bias_hh", &module->bias_hh}};
  builder.set_tensors(*module, node, members);
  if constexpr (requires(const at::Tensor& x) { std::get<0>(module->forward(x)); }) {
    return {module, [module](const at::Tensor& x) { return std::get<0>(module->forward(x)); },
            /*gives_tuple=*/true};
  } else {
    return {module, [module](const at::Tensor& x) { return module->forward(x); }};
  }
}

template <class Impl>
LayerClass cell(const std::string& name) {
  return {.path = "torch.nn.modules.rnn." + name,
          .type = typeid(Impl),
          .build = build_cell<Impl>,
          .attributes =
              [](const nn::Module& module) {
                const auto& impl = dynamic_cast<const Impl&>(module);
                Dict result = layers::written_fields(cell_fields(), impl.options_base);
                if constexpr (requires { impl.options.nonlinearity(); }) {
                  const bool is_relu =
                      get_if<torch::enumtype::kReLU>(&impl.options.nonlinearity()) != nullptr;
                  result.set("nonlinearity", is_relu ? "relu" : "tanh");
                }
                return result;
              },
          .parameters = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"}};
}

}  // namespace classes_recurrent_detail

std::vector<LayerClass> recurrent_classes() {
  namespace detail = classes_recurrent_detail;
  namespace nn = torch::nn;
  return {detail::recurrent<nn::LSTMImpl>("LSTM"),
          detail::recurrent<nn::GRUImpl>("GRU"),
          detail::rnn(),
          detail::cell<nn::LSTMCellImpl>("LSTMCell"),
          detail::cell<nn::GRUCellImpl>("GRUCell"),
          detail::cell<nn::RNNCellImpl>("RNNCell")};
}

}  // namespace torchkeep
