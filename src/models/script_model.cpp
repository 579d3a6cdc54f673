#include "models/script_model.h"

#include <utility>

#include <c10/util/Exception.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/nn/module.h>

#include "base/fail.h"

namespace torchkeep {

namespace script_model_detail {

// A module of the program, and those below it.
class ScriptModule : public torch::nn::Module {
 public:
  explicit ScriptModule(torch::jit::Module script) : script_(std::move(script)) {
    for (const auto& parameter : script_.named_parameters(/*recurse=*/false)) {
      register_parameter(parameter.name, parameter.value, parameter.value.requires_grad());
    }
    for (const auto& buffer : script_.named_buffers(/*recurse=*/false)) {
      register_buffer(buffer.name, buffer.value);
    }
    for (const auto& child : script_.named_children()) {
      register_module(child.name, std::make_shared<ScriptModule>(child.value));
    }
    if (script_.hasattr("training")) Module::train(script_.is_training());
  }

  void train(bool on) override {
    Module::train(on);
    script_.train(on);
  }

  at::Tensor forward(const at::Tensor& x) {
    c10::IValue result = script_.forward({x});
    while (result.isTuple() && !result.toTupleRef().elements().empty()) {
      result = c10::IValue(result.toTupleRef().elements()[0]);
    }
    if (!result.isTensor()) {
      fail(ErrorCode::unsupported, "the program gives a {} (expected a tensor)", result.tagKind());
    }
    return result.toTensor();
  }

 private:
  torch::jit::Module script_;
};

}  // namespace script_model_detail

Model load_script_model(const std::filesystem::path& path) {
  try {
    const auto module =
        std::make_shared<script_model_detail::ScriptModule>(torch::jit::load(path.string()));
    return Model("torchscript", dict({}), module,
                 [module](const at::Tensor& x) { return module->forward(x); });
  } catch (const c10::Error& error) {
    fail_at(ErrorCode::corrupt, {.path = path.string()}, "", "LibTorch cannot load it: {}",
            error.what_without_backtrace());
  }
}

}  // namespace torchkeep
