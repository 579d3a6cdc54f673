// A table of the layers of a model: classes, output shapes, parameters, what is trained.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <torchkeep/model.h>

namespace torchkeep {

struct LayerSummary {
  std::string name;        // the dotted path; empty for the model itself
  std::string class_name;  // "Conv2d"
  // Of what it gave in the last forward; nothing where no forward was made or where the layer was
  // not called as one of torchkeep's own.
  std::optional<Shape> output;
  std::int64_t parameters = 0;  // of its own, without those below it
  std::int64_t trainable = 0;   // of these
};

struct ModelSummary {
  std::string architecture;
  std::vector<LayerSummary> layers;  // the model first, then what is below it
  std::int64_t parameters = 0;       // of all layers, those that are shared counted once
  std::int64_t trainable = 0;
};

// With an input the model computes it once, in evaluation mode and without gradients, to learn the
// shapes; its flags are as before afterwards. Throws what the forward throws.
ModelSummary summarise(const Model& model, const std::optional<at::Tensor>& input = std::nullopt);

// A table for people.
std::string to_string(const ModelSummary& summary);
// One JSON document, as `torchkeep summary --json` prints it.
std::string to_json(const ModelSummary& summary);

}  // namespace torchkeep
