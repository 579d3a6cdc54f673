// A small training whose course the seed decides, for tests of everything around it.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <torchkeep/checkpoint.h>
#include <torchkeep/dataset.h>
#include <torchkeep/trainer.h>

namespace torch::optim {
class Optimizer;
}

namespace torchkeep::testing {

// Two convolutions, a batch norm, dropout and a linear layer over images of 8x8.
Model small_net(int classes = 3);

enum class OptimizerKind { sgd_with_momentum, adam };
std::unique_ptr<torch::optim::Optimizer> make_optimizer(OptimizerKind kind, const Model& model);

// 48 images for training and 12 for validation, of which each class can be told by its pixels.
struct SmallData {
  BatchSource training;
  BatchSource validation;
};
SmallData small_data();

// True if the two models have the same parameters and buffers, bit for bit.
bool same_parameters(const Model& a, const Model& b);

}  // namespace torchkeep::testing
