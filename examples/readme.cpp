#include <torchkeep/torchkeep.h>

#include <torch/torch.h>

namespace tk = torchkeep;

int main() {
  torch::nn::Sequential net(torch::nn::Linear(4, 8), torch::nn::ReLU(), torch::nn::Linear(8, 2));
  torch::optim::Adam optimizer(net->parameters());

  // Save. Python reads it: torch.load("checkpoint.pt", weights_only=True)
  tk::save(tk::dict({{"epoch", 3},
                     {"model_state_dict", tk::state_dict(*net)},
                     {"optimizer_state_dict", tk::state_dict(optimizer, *net)}}),
           "checkpoint.pt");

  // Load, whoever wrote it. A file of another model is refused as a whole, with the reason.
  const tk::Value checkpoint = tk::load("checkpoint.pt");
  tk::load_state_dict(*net, checkpoint["model_state_dict"]);
  tk::load_state_dict(optimizer, *net, checkpoint["optimizer_state_dict"]);
}
