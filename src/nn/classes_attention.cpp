// torch.nn.MultiheadAttention and the encoder of torch.nn.Transformer
#include <array>

#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/linear.h>

#include "nn/attention.h"
#include "nn/function_class.h"
#include "nn/layer_field.h"

namespace torchkeep {

at::Tensor MultiheadAttentionTwin::attend_to_itself(const at::Tensor& x) {
  const at::Tensor sequence = is_batch_first_ ? x.transpose(0, 1) : x;
  const at::Tensor result = std::get<0>(forward(sequence, sequence, sequence, {}, false));
  return is_batch_first_ ? result.transpose(0, 1) : result;
}

namespace classes_attention_detail {

namespace nn = torch::nn;

std::int64_t integer(const ModuleNode& node, std::string_view name, std::int64_t otherwise) {
  const Value* value = node.attributes.find(name);
  return value && !value->is_none() ? value->as_int() : otherwise;
}

bool flag(const ModuleNode& node, std::string_view name) {
  const Value* value = node.attributes.find(name);
  return value && value->is_bool() && value->as_bool();
}

bool has_tensor(const ModuleNode& node, std::string_view name) {
  const Value* value = node.parameter(name);
  return value && value->is_tensor();
}

void check_shape(const ModuleNode& node, std::string_view name, const Shape& expected) {
  if (has_tensor(node, name) && node.parameter(name)->as_tensor().shape() == expected) return;
  fail_at(ErrorCode::mismatch, {.tensor = std::string(name)}, "",
          "no parameter of shape {}, which the attributes ask for", to_string(expected));
}

nn::MultiheadAttentionOptions options_of(const ModuleNode& node) {
  const std::int64_t embed = integer(node, "embed_dim", 0);
  const std::int64_t kdim = integer(node, "kdim", embed);
  const std::int64_t vdim = integer(node, "vdim", embed);
  if (has_tensor(node, "in_proj_weight")) {
    check_shape(node, "in_proj_weight", {3 * embed, embed});
  } else {
    check_shape(node, "q_proj_weight", {embed, embed});
    check_shape(node, "k_proj_weight", {embed, kdim});
    check_shape(node, "v_proj_weight", {embed, vdim});
  }
  nn::MultiheadAttentionOptions options(embed, integer(node, "num_heads", 1));
  if (const Value* dropout = node.attributes.find("dropout")) {
    options.dropout(dropout->as_double());
  }
  return options.bias(has_tensor(node, "in_proj_bias"))
      .add_bias_kv(has_tensor(node, "bias_k"))
      .add_zero_attn(flag(node, "add_zero_attn"))
      .kdim(kdim)
      .vdim(vdim);
}

std::shared_ptr<MultiheadAttentionTwin> build_attention(LayerBuilder& builder,
                                                        const ModuleNode& node) {
  const auto module =
      std::make_shared<MultiheadAttentionTwin>(options_of(node), flag(node, "batch_first"));
  const std::vector<Layer::Member> members = {{"in_proj_weight", &module->in_proj_weight},
                                              {"in_proj_bias", &module->in_proj_bias},
                                              {"q_proj_weight", &module->q_proj_weight},
                                              {"k_proj_weight", &module->k_proj_weight},
                                              {"v_proj_weight", &module->v_proj_weight},
                                              {"bias_k", &module->bias_k},
                                              {"bias_v", &module->bias_v}};
  builder.set_tensors(*module, node, members);
  const auto out_proj =
      std::dynamic_pointer_cast<nn::LinearImpl>(builder.child(node, "out_proj").module);
  if (!out_proj) fail(ErrorCode::mismatch, "out_proj is no Linear");
  module->replace_module("out_proj", out_proj);
  module->out_proj = nn::Linear(out_proj);
  return module;
}

Layer build_attention_layer(LayerBuilder& builder, std::size_t index) {
  return {build_attention(builder, builder.node(index))};
}

Dict attention_attributes(const nn::Module& module) {
  const auto& attention = dynamic_cast<const nn::MultiheadAttentionImpl&>(module);
  const auto& options = attention.options;
  const auto* twin = dynamic_cast<const MultiheadAttentionTwin*>(&module);
  Dict attributes;
  attributes.set("embed_dim", options.embed_dim());
  attributes.set("kdim", options.kdim());
  attributes.set("vdim", options.vdim());
  attributes.set("_qkv_same_embed_dim", attention._qkv_same_embed_dim);
  attributes.set("num_heads", options.num_heads());
  attributes.set("dropout", options.dropout());
  attributes.set("batch_first", twin && twin->is_batch_first());
  attributes.set("head_dim", attention.head_dim);
  if (!attention.bias_k.defined()) {
    attributes.set("bias_k", Value());
    attributes.set("bias_v", Value());
  }
  attributes.set("add_zero_attn", options.add_zero_attn());
  return attributes;
}

LayerClass attention(std::type_index type) {
  return {.path = "torch.nn.modules.activation.MultiheadAttention",
          .type = type,
          .build = build_attention_layer,
          .attributes = attention_attributes,
          .parameters = {"in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight",
                         "in_proj_bias"},
          .child_paths = {{"out_proj", "torch.nn.modules.linear.NonDynamicallyQuantizableLinear"}}};
}

// The activation of an encoder layer: a module, or one of two functions by name.
Layer::Forward activation_of(LayerBuilder& builder, const ModuleNode& node) {
  if (node.child("activation")) return builder.child(node, "activation").forward;
  const Value* function = node.attributes.find("activation");
  if (function && function->is_object() && function->as_object().form() == Object::Form::global) {
    const std::string& name = function->as_object().name();
    if (name == "relu") return [](const at::Tensor& x) { return x.relu(); };
    if (name == "gelu") return [](const at::Tensor& x) { return at::gelu(x); };
  }
  fail(ErrorCode::unsupported, "the activation {} of a {} (expected relu, gelu or a module)",
       function ? to_string(*function) : "None", node.class_path);
}

// One block of self-attention and one of two linear layers, each added to its input
// (Vaswani et al., 2017), with the norms behind them or, with norm_first, in front.
Layer build_encoder_layer(LayerBuilder& builder, std::size_t index) {
  const ModuleNode& node = builder.node(index);
  const auto layer = [&](std::string_view name) { return builder.child(node, name); };
  const auto self_attention =
      std::dynamic_pointer_cast<MultiheadAttentionTwin>(layer("self_attn").module);
  if (!self_attention) fail(ErrorCode::mismatch, "self_attn is no MultiheadAttention");
  const auto attend = [self_attention, dropout = layer("dropout1")](const at::Tensor& x) {
    return dropout(self_attention->attend_to_itself(x));
  };
  const auto feed = [linear1 = layer("linear1"), linear2 = layer("linear2"),
                     activation = activation_of(builder, node), dropout = layer("dropout"),
                     dropout2 = layer("dropout2")](const at::Tensor& x) {
    return dropout2(linear2(dropout(activation(linear1(x)))));
  };
  return function_layer(
      builder, index,
      [attend, feed, norm1 = layer("norm1"), norm2 = layer("norm2"),
       norm_first = flag(node, "norm_first")](const at::Tensor& x, const FunctionModule&) {
        if (norm_first) {
          const at::Tensor attended = x + attend(norm1(x));
          return attended + feed(norm2(attended));
        }
        const at::Tensor attended = norm1(x + attend(x));
        return norm2(attended + feed(attended));
      });
}

Layer build_encoder(LayerBuilder& builder, std::size_t index) {
  const ModuleNode& node = builder.node(index);
  builder.child(node, "layers");
  const ModuleNode& list = builder.node(*node.child("layers")->module);
  std::vector<Layer> layers;
  for (auto& [name, layer] : builder.children(list)) layers.push_back(std::move(layer));
  if (node.child("norm") && node.child("norm")->module) {
    layers.push_back(builder.child(node, "norm"));
  }
  return function_layer(builder, index, [layers](const at::Tensor& x, const FunctionModule&) {
    at::Tensor result = x;
    for (const Layer& layer : layers) result = layer(result);
    return result;
  });
}

}  // namespace classes_attention_detail

std::vector<LayerClass> attention_classes() {
  namespace detail = classes_attention_detail;
  return {
      detail::attention(typeid(torch::nn::MultiheadAttentionImpl)),
      detail::attention(typeid(MultiheadAttentionTwin)),
      {.path = "torch.nn.modules.transformer.TransformerEncoderLayer",
       .build = detail::build_encoder_layer},
      {.path = "torch.nn.modules.transformer.TransformerEncoder", .build = detail::build_encoder}};
}

}  // namespace torchkeep
