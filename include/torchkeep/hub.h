// The weights that torchvision's authors publish: what there is, and a cache of files that is
// shared with Python's.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <torchkeep/preprocessing.h>
#include <torchkeep/progress.h>

namespace torchkeep {

struct PublishedWeights {
  std::string_view architecture;  // "vgg16"
  std::string_view name;          // as in torchvision's enum: "IMAGENET1K_V1"
  std::string_view file;          // "vgg16-397923af.pth"
  std::int64_t num_parameters;
  double top1;  // per cent of ImageNet's validation images; NaN if there is no classifier
  double top5;
  Preprocessing preprocessing;
  bool is_default = false;  // what torchvision calls DEFAULT

  // The hexadecimal digits in the name of the file: the first ones of its SHA-256.
  std::string sha256_prefix() const;
};

// All there are, sorted by architecture; those of one architecture.
const std::vector<PublishedWeights>& published_weights();
std::vector<PublishedWeights> published_weights(std::string_view architecture);

// By the name ("IMAGENET1K_V1", "DEFAULT", "VGG16_Weights.DEFAULT") or the name of the file. Null,
// or not_found with the names there are, if there are none. The row is never moved.
const PublishedWeights* find_published_weights(std::string_view architecture,
                                               std::string_view name);
const PublishedWeights& published_weights(std::string_view architecture, std::string_view name);

// The names of ImageNet's 1000 classes, in the order of the outputs of models with these weights.
const std::vector<std::string>& imagenet_classes();

struct DownloadOptions {
  enum class Network {
    automatic,  // on, unless the environment variable TORCHKEEP_OFFLINE is set to something but 0
    on,
    off  // a file that is not in the cache is an error that says where to put it
  };
  Network network = Network::automatic;
  ProgressFunction progress = {};
  int attempts = 3;  // of which each goes on where the one before was cut off
  std::chrono::seconds stall_timeout = std::chrono::seconds(30);  // without a byte
};

// Where torch.hub keeps files: `hub/checkpoints` in $TORCH_HOME, or in $XDG_CACHE_HOME/torch, or in
// ~/.cache/torch. It may not exist yet.
std::filesystem::path weights_directory();

// The file of published weights in weights_directory(): downloaded if it is missing or damaged, and
// verified by its SHA-256 each time. A download that was cut off is continued; the file appears
// under its name only when it is whole and verified. Several processes may ask for it at once.
// $TORCHKEEP_WEIGHTS_URL replaces https://download.pytorch.org/models, for a mirror.
// Throws io, corrupt if what the server sent has another hash, not_found without a network.
std::filesystem::path fetch_weights(const PublishedWeights& weights,
                                    const DownloadOptions& options = {});

// The same for any URL and place. An empty `sha256_prefix` verifies nothing.
void fetch_file(const std::string& url,
                const std::filesystem::path& target,
                const std::string& sha256_prefix,
                const DownloadOptions& options = {});

}  // namespace torchkeep
