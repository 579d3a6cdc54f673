// What models_test.py asks of the models.
#include <torchkeep/convert.h>
#include <torchkeep/freeze.h>
#include <torchkeep/load.h>
#include <torchkeep/models.h>
#include <torchkeep/module.h>
#include <torchkeep/save.h>

#include <torch/nn/module.h>
#include <torch/utils.h>

#include "interop/torch_program.h"

namespace torchkeep::interop {

namespace {

constexpr SaveOptions kSave = {.durability = Durability::cached};

// ARCHITECTURE SEED OUT: the state dict of a fresh model.
void initial_state(const Arguments& arguments) {
  torch::manual_seed(std::stoull(arguments.at(1)));
  save(state_dict(*create_model(arguments.at(0))), arguments.at(2), kSave);
}

// ARCHITECTURE SEED CLASSES OUT: the same with a new head.
void initial_head(const Arguments& arguments) {
  torch::manual_seed(std::stoull(arguments.at(1)));
  const Model model = create_model(arguments.at(0));
  replace_head(*model, std::stoll(arguments.at(2)));
  save(state_dict(*model), arguments.at(3), kSave);
}

// ARCHITECTURE WEIGHTS INPUT OUT: the outputs in evaluation mode.
void forward(const Arguments& arguments) {
  const Model model = create_model(arguments.at(0));
  load_state_dict(*model, load(arguments.at(1)));
  model.eval();
  const torch::NoGradGuard no_grad;
  save(from_torch(model.forward(to_torch(load(arguments.at(2)).as_tensor()))), arguments.at(3),
       kSave);
}

// OUT: a whole model with a new head, the backbone frozen, in evaluation mode but for the
// classifier.
void whole_model(const Arguments& arguments) {
  Model model = models::tiny_vgg();
  replace_head(*model, 3);
  freeze(*model, "features.*");
  model.eval();
  model->named_modules("", false)["classifier"]->train();
  save_model(model, arguments.at(0), kSave);
}

}  // namespace

Commands model_commands() {
  return {{"initial_state", initial_state},
          {"initial_head", initial_head},
          {"forward", forward},
          {"whole_model", whole_model}};
}

}  // namespace torchkeep::interop
