// What module_test.py asks of state dicts of modules.
#include <torchkeep/load.h>
#include <torchkeep/module.h>
#include <torchkeep/save.h>

#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include "interop/torch_program.h"

namespace torchkeep::interop {
namespace module_program {

// IN OUT LAYOUT: loads a state dict into a small network and saves that of the network; LAYOUT is
// "torch-1.13" or "latest".
void keep_small_net(const Arguments& arguments) {
  torch::nn::Sequential net(torch::nn::Conv2d(torch::nn::Conv2dOptions(3, 4, 3)),
                            torch::nn::BatchNorm2d(4), torch::nn::ReLU(), torch::nn::Flatten(),
                            torch::nn::Linear(4 * 6 * 6, 5));
  load_state_dict(*net, load(arguments.at(0)));
  save(state_dict(*net), arguments.at(1),
       {.layout = arguments.at(2) == "torch-1.13" ? Layout::torch_1_13 : Layout::latest,
        .durability = Durability::cached});
}

}  // namespace module_program

Commands module_commands() { return {{"keep_small_net", module_program::keep_small_net}}; }

}  // namespace torchkeep::interop
