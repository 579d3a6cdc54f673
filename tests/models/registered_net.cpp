#include "models/registered_net.h"

#include <memory>

namespace torchkeep::testing {

RegisteredNetImpl::RegisteredNetImpl(std::int64_t hidden_) : hidden(hidden_) {
  input = register_module("input", torch::nn::Linear(4, hidden));
  norm = register_module("norm", torch::nn::BatchNorm1d(hidden));
  output = register_module("output", torch::nn::Linear(hidden, 3));
  register_parameter("tied", output->weight);
}

at::Tensor RegisteredNetImpl::forward(const at::Tensor& x) {
  return output->forward(norm->forward(input->forward(x)));
}

void register_registered_net() {
  static const bool once = [] {
    register_model<RegisteredNetImpl>(
        "registered_net",
        [](const Value& configuration) {
          return std::make_shared<RegisteredNetImpl>(configuration["hidden"].as_int());
        },
        [](const RegisteredNetImpl& net) {
          return dict({{"hidden", net.hidden}});
        });
    return true;
  }();
  static_cast<void>(once);
}

}  // namespace torchkeep::testing
