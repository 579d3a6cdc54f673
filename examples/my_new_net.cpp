// A net of your own around VGG19: its 1000 outputs feed one new layer that tells two classes apart.
// Everything but the new layer is frozen. Trains, saves, loads, and checks what moved.
//
//   my_new_net [vgg19.pth]      a file of pretrained weights; without it they are random
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <torchkeep/freeze.h>
#include <torchkeep/model.h>
#include <torchkeep/models.h>

#include <torch/torch.h>
#include <unistd.h>

namespace tk = torchkeep;

struct MyNewNetImpl : torch::nn::Module {
  explicit MyNewNetImpl(tk::Model vgg) : backbone(std::move(vgg)) {
    register_module("backbone", backbone.ptr());
    head = register_module("head", torch::nn::Linear(1000, 1));
  }

  // Images [n, 3, height, width] -> [n]: above zero for class 1.
  torch::Tensor forward(const torch::Tensor& images) {
    return head->forward(backbone.forward(images)).squeeze(1);
  }

  tk::Model backbone;
  torch::nn::Linear head{nullptr};
};
TORCH_MODULE(MyNewNet);

struct Batch {
  torch::Tensor images;
  torch::Tensor labels;
};

// Noisy images with horizontal stripes (class 0) or vertical ones (class 1).
Batch make_batch(std::int64_t size) {
  const torch::Tensor labels = torch::arange(size) % 2;
  const torch::Tensor stripes = (torch::arange(32).div(4, "floor") % 2).to(torch::kFloat);
  torch::Tensor images = torch::randn({size, 3, 32, 32}) * 0.3;
  for (std::int64_t i = 0; i < size; ++i) {
    images[i] += i % 2 == 0 ? stripes.view({32, 1}) : stripes.view({1, 32});
  }
  return {images, labels.to(torch::kFloat)};
}

double accuracy(MyNewNet& net, const Batch& batch) {
  const torch::NoGradGuard no_grad;
  net->eval();
  const torch::Tensor right = (net->forward(batch.images) > 0) == (batch.labels > 0.5);
  return right.to(torch::kFloat).mean().item<double>();
}

// Only the parameters that are not frozen have gradients and get steps.
void train_head(MyNewNet& net, int steps) {
  tk::train(*net);
  torch::optim::Adam optimizer(net->head->parameters(), torch::optim::AdamOptions(1e-2));
  for (int step = 0; step < steps; ++step) {
    const Batch batch = make_batch(16);
    const torch::Tensor loss =
        torch::binary_cross_entropy_with_logits(net->forward(batch.images), batch.labels);
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
    if (step % 5 == 0 || step == steps - 1) {
      std::printf("  step %2d  loss %.4f\n", step, loss.item<double>());
    }
  }
}

using Parameters = std::map<std::string, torch::Tensor>;

Parameters copy_parameters(const torch::nn::Module& module) {
  Parameters copies;
  for (const auto& item : module.named_parameters()) {
    copies[item.key()] = item.value().detach().clone();
  }
  return copies;
}

// The names of the parameters that are not, to the bit, as they were.
std::vector<std::string> moved_since(const Parameters& before, const torch::nn::Module& module) {
  std::vector<std::string> moved;
  for (const auto& item : module.named_parameters()) {
    if (!torch::equal(item.value(), before.at(item.key()))) moved.push_back(item.key());
  }
  return moved;
}

// How a MyNewNet is built again when a file with one is loaded, and what of it goes into the file.
void register_my_new_net() {
  tk::register_model<MyNewNetImpl>(
      "my_new_net",
      [](const tk::Value& configuration) {
        return std::make_shared<MyNewNetImpl>(tk::create_model("vgg19", configuration["backbone"]));
      },
      [](const MyNewNetImpl& net) {
        return tk::dict({{"backbone", net.backbone.configuration()}});
      });
}

tk::Model save_and_load(const MyNewNet& net) {
  const auto path =
      std::filesystem::temp_directory_path() / ("my_new_net_" + std::to_string(getpid()) + ".pt");
  tk::save_model(net, path);
  std::printf("saved %s, %ju bytes\n", path.c_str(),
              static_cast<std::uintmax_t>(std::filesystem::file_size(path)));
  tk::Model loaded = tk::load_model(path);
  std::filesystem::remove(path);
  std::printf("loaded a %s\n", loaded.architecture().c_str());
  return loaded;
}

// True if the loaded net is the trained one, and nothing frozen has moved since `before`.
bool check(const tk::Model& loaded, const MyNewNet& net, const Parameters& before) {
  const auto frozen = tk::frozen_parameters(*loaded);
  const auto moved = moved_since(before, *loaded);
  std::printf("in the loaded net: %zu parameters are frozen, %zu moved in the training:\n",
              frozen.size(), moved.size());
  for (const std::string& name : moved) std::printf("  %s\n", name.c_str());

  const bool same = moved_since(copy_parameters(*net), *loaded).empty();
  const bool frozen_as_before = frozen == tk::frozen_parameters(*net);
  const bool only_the_head_moved = moved == std::vector<std::string>{"head.weight", "head.bias"};
  std::printf("the same parameters as the trained net: %s\n", same ? "yes" : "NO");
  std::printf("the same parameters frozen: %s\n", frozen_as_before ? "yes" : "NO");
  std::printf("nothing frozen moved: %s\n", only_the_head_moved ? "yes" : "NO");
  return same && frozen_as_before && only_the_head_moved;
}

int run(const std::string& weights) {
  register_my_new_net();
  torch::manual_seed(1);
  std::printf("VGG19 with %s weights and a Linear(1000, 1) on top\n",
              weights.empty() ? "random" : "pretrained");
  MyNewNet net(tk::models::vgg19({.weights = weights}));
  const auto frozen = tk::freeze(*net, "backbone.*");
  std::printf("%zu of %zu parameters are frozen\n", frozen.size(), net->parameters().size());

  const Parameters before = copy_parameters(*net);
  const Batch test = make_batch(64);
  std::printf("accuracy before: %.3f\n", accuracy(net, test));
  train_head(net, 20);
  std::printf("accuracy after:  %.3f\n", accuracy(net, test));

  const tk::Model loaded = save_and_load(net);
  return check(loaded, net, before) ? 0 : 1;
}

int main(int argc, char** argv) {
  try {
    return run(argc > 1 ? argv[1] : "");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "my_new_net: %s\n", error.what());
    return 3;
  }
}
