// The three things to keep: parameters, a checkpoint of a training, a whole model.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>

#include <torchkeep/convert.h>
#include <torchkeep/load.h>
#include <torchkeep/model.h>
#include <torchkeep/models.h>
#include <torchkeep/module.h>
#include <torchkeep/optimizer.h>
#include <torchkeep/save.h>

#include <torch/torch.h>
#include <unistd.h>

namespace fs = std::filesystem;
namespace tk = torchkeep;

// One step on random images; returns the loss.
double step(const tk::Model& model, torch::optim::Optimizer& optimizer) {
  const torch::Tensor images = torch::rand({8, 1, 28, 28});
  const torch::Tensor labels = torch::randint(5, {8});
  model.train();
  const torch::Tensor loss = torch::cross_entropy_loss(model.forward(images), labels);
  optimizer.zero_grad();
  loss.backward();
  optimizer.step();
  return loss.item<double>();
}

// Parameters only. In Python: model.load_state_dict(torch.load("parameters.pt")).
void keep_parameters(const fs::path& path) {
  const tk::Model model = tk::models::tiny_vgg({.num_classes = 5});
  tk::save(tk::state_dict(*model), path);

  const tk::Model other = tk::models::tiny_vgg({.num_classes = 5});
  tk::load_state_dict(*other, tk::load(path));
  std::cout << tk::state_dict(*other) << '\n';

  // A model of another form is refused as a whole, with the reason and the mend.
  const tk::Model wider = tk::models::tiny_vgg({.num_classes = 10});
  try {
    tk::load_state_dict(*wider, tk::load(path));
  } catch (const tk::MismatchError& error) {
    std::cout << error.what() << "\n\n";
  }
}

// What a training needs to go on: the keys are those that Python's tutorials use.
void keep_checkpoint(const fs::path& path) {
  const tk::Model model = tk::models::tiny_vgg({.num_classes = 5});
  torch::optim::Adam optimizer(model->parameters(), torch::optim::AdamOptions(1e-3));
  const double loss = step(model, optimizer);
  tk::save(tk::dict({{"epoch", 1},
                     {"model_state_dict", tk::state_dict(*model)},
                     {"optimizer_state_dict", tk::state_dict(optimizer, *model)},
                     {"loss", loss}}),
           path);

  const tk::Value checkpoint = tk::load(path);
  const tk::Model resumed = tk::models::tiny_vgg({.num_classes = 5});
  torch::optim::Adam optimizer_resumed(resumed->parameters(), torch::optim::AdamOptions(1e-3));
  tk::load_state_dict(*resumed, checkpoint["model_state_dict"]);
  tk::load_state_dict(optimizer_resumed, *resumed, checkpoint["optimizer_state_dict"]);
  std::printf("resumed after epoch %d with loss %.4f\n",
              static_cast<int>(checkpoint["epoch"].as_int()), checkpoint["loss"].as_double());
}

// Form and parameters in one file: nothing has to be known to load it. True if it is the same
// model.
bool keep_whole_model(const fs::path& path) {
  const tk::Model model = tk::models::tiny_vgg({.num_classes = 5});
  model.eval();
  tk::save_model(model, path);

  const tk::Model again = tk::load_model(path);
  const torch::Tensor images = torch::rand({2, 1, 28, 28});
  const bool same = torch::equal(model.forward(images), again.forward(images));
  std::printf("%s again, with the same outputs: %s\n", again.architecture().c_str(),
              same ? "yes" : "NO");
  return same;
}

int main() {
  const fs::path directory =
      fs::temp_directory_path() / ("save_and_load_" + std::to_string(getpid()));
  int status = 0;
  try {
    fs::create_directory(directory);
    keep_parameters(directory / "parameters.pt");
    keep_checkpoint(directory / "checkpoint.pt");
    status = keep_whole_model(directory / "model.pt") ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "save_and_load: %s\n", error.what());
    status = 3;
  }
  fs::remove_all(directory);
  return status;
}
