// The commands that need LibTorch, by name: what the program without LibTorch must know of them.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace torchkeep::cli {

struct TorchCommand {
  std::string_view name;
  std::string_view summary;  // one line for the list of commands
};

inline constexpr std::array<TorchCommand, 11> kTorchCommands = {{
    {"train", "Train a model and keep its checkpoints"},
    {"resume", "Go on with a training that was interrupted"},
    {"prove-resume", "Train at a stretch and with a stop, and compare to the bit"},
    {"eval", "Measure a checkpoint on a test set"},
    {"features", "Write what the frozen part of a model makes of images, as safetensors"},
    {"find-lr", "Try growing learning rates on a training and suggest one"},
    {"predict", "Tell what images show"},
    {"run", "Compute what a whole model gives for a tensor"},
    {"summary", "Show the layers of a model: classes, output shapes, parameters, what is frozen"},
    {"models", "List the models that can be built, and their weights"},
    {"download", "Fetch and verify published weights; print where they are"},
}};

constexpr bool is_torch_command(std::string_view name) {
  return std::any_of(kTorchCommands.begin(), kTorchCommands.end(),
                     [name](const TorchCommand& command) { return command.name == name; });
}

}  // namespace torchkeep::cli
