#include <iostream>

#include <torchkeep/torchkeep.h>

int main() {
  const auto weight = torchkeep::Tensor::of<float>({1, 2, 3, 4}, {2, 2});
  torchkeep::save(torchkeep::dict({{"epoch", 7}, {"weight", weight}}), "consumer.pt");
  const torchkeep::Value loaded = torchkeep::load("consumer.pt");
  std::cout << torchkeep::to_string(torchkeep::inspect("consumer.pt")) << '\n';
  return loaded["epoch"].as_int() == 7 && equal(loaded["weight"].as_tensor(), weight) ? 0 : 1;
}
