#include <torchkeep/load.h>
#include <torchkeep/module.h>
#include <torchkeep/save.h>

#include <torch/nn/modules/linear.h>

int main() {
  torch::nn::Linear trained(3, 2);
  torch::nn::Linear loaded(3, 2);
  torchkeep::save(torchkeep::state_dict(*trained), "consumer.pt");
  torchkeep::load_state_dict(*loaded, torchkeep::load("consumer.pt"));
  return loaded->weight.equal(trained->weight) && loaded->bias.equal(trained->bias) ? 0 : 1;
}
