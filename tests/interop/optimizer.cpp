// What optimizer_test.py asks of the optimizers.
#include <memory>
#include <utility>
#include <vector>

#include <torchkeep/convert.h>
#include <torchkeep/load.h>
#include <torchkeep/module.h>
#include <torchkeep/optimizer.h>
#include <torchkeep/save.h>
#include <torchkeep/value.h>

#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adagrad.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>

#include "interop/torch_program.h"

namespace torchkeep::interop {
namespace optimizer_program {

using Groups = std::vector<torch::optim::OptimizerParamGroup>;

std::unique_ptr<torch::optim::Optimizer> make_optimizer(const std::string& kind, Groups groups) {
  if (kind == "SGD") {
    return std::make_unique<torch::optim::SGD>(std::move(groups), torch::optim::SGDOptions(1));
  }
  if (kind == "Adam") return std::make_unique<torch::optim::Adam>(std::move(groups));
  if (kind == "AdamW") return std::make_unique<torch::optim::AdamW>(std::move(groups));
  if (kind == "RMSprop") return std::make_unique<torch::optim::RMSprop>(std::move(groups));
  return std::make_unique<torch::optim::Adagrad>(std::move(groups));
}

// All parameters in one group, or each layer in its own.
Groups make_groups(const std::vector<at::Tensor>& parameters, std::size_t count) {
  Groups groups;
  const std::size_t each = parameters.size() / count;
  for (std::size_t i = 0; i < count; ++i) {
    const auto first = parameters.begin() + static_cast<std::ptrdiff_t>(i * each);
    groups.emplace_back(std::vector<at::Tensor>(first, first + static_cast<std::ptrdiff_t>(each)));
  }
  return groups;
}

// CLASS IN OUT: loads `model` and `optimizer`, makes a step for each tensor of the list `inputs`
// and saves the two.
void train_steps(const Arguments& arguments) {
  const Value start = load(arguments.at(1));
  torch::nn::Sequential net(torch::nn::Linear(3, 4), torch::nn::Tanh(), torch::nn::Linear(4, 2));
  load_state_dict(*net, start["model"]);
  const auto optimizer = make_optimizer(
      arguments.at(0), make_groups(net->parameters(), start["optimizer"]["param_groups"].size()));
  load_state_dict(*optimizer, *net, start["optimizer"]);
  for (const Value& input : start["inputs"].items()) {
    optimizer->zero_grad();
    net->forward(to_torch(input.as_tensor())).pow(2).sum().backward();
    optimizer->step();
  }
  save(dict({{"model", state_dict(*net)}, {"optimizer", state_dict(*optimizer, *net)}}),
       arguments.at(2), {.durability = Durability::cached});
}

}  // namespace optimizer_program

Commands optimizer_commands() { return {{"train_steps", optimizer_program::train_steps}}; }

}  // namespace torchkeep::interop
