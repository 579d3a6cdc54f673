// Labelled images in memory, and batches of them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <torchkeep/value.h>

#include <ATen/core/ivalue.h>  // before Tensor.h: clang 14 needs it to compile LibTorch 1.13 in C++20
#include <ATen/core/Tensor.h>

namespace torchkeep {

// Images and labels of the same count. Copies share the memory.
struct Dataset {
  at::Tensor images = {};  // uint8 [n, channels, height, width]
  at::Tensor labels = {};  // int64 [n], from 0 to class_names.size() - 1
  std::vector<std::string> class_names = {};
  std::int64_t size() const { return labels.size(0); }
};

enum class Split { train, test };

// Reads the idx files (`train-images-idx3-ubyte.gz` and so on, also without .gz) of a directory in
// the layout of MNIST and Fashion-MNIST. `class_names` may be empty: then "0", "1", ...
// Throws not_found, corrupt.
Dataset load_idx(const std::filesystem::path& directory,
                 Split split,
                 std::vector<std::string> class_names = {});

// Fashion-MNIST with its class names, from `directory` or, if that is empty, from where Debian's
// package dataset-fashion-mnist puts it. Throws not_found, saying how to get it.
Dataset load_fashion_mnist(Split split, const std::filesystem::path& directory = {});

// Only the images of these classes, in their order, relabelled 0, 1, ... in the order of `classes`.
// Throws invalid_argument for a class that there is not.
Dataset select_classes(const Dataset& dataset, const std::vector<std::int64_t>& classes);

// The first `per_class` images of each class. Throws invalid_argument if a class has fewer.
Dataset take_per_class(const Dataset& dataset, std::int64_t per_class);

// Two disjoint parts, the second with `fraction` of each class, rounded, chosen by `seed`. Both
// keep the order of the images. Throws invalid_argument unless 0 <= fraction <= 1.
std::pair<Dataset, Dataset> split(const Dataset& dataset, double fraction, std::uint64_t seed);

struct Batch {
  at::Tensor images;  // float32 [batch, channels, height, width], normalised
  at::Tensor labels;  // int64 [batch]
};

struct BatchOptions {
  std::int64_t batch_size = 64;
  enum class Order { shuffled, as_is };
  Order order = Order::as_is;
  std::uint64_t seed = 0;  // with the epoch's number it decides the order
  double mean = 0.5;       // of pixel values from 0 to 1
  double standard_deviation = 0.5;
};

// The batches of one epoch after another. The order depends on the seed and the epoch alone, so
// that a position can be saved and found again: it is torch.randperm(n) by a generator of its own
// with the seed `seed + epoch`, as Python's DistributedSampler has it. Not synchronised.
class BatchSource {
 public:
  // Throws invalid_argument for an empty data set or a batch size below 1.
  explicit BatchSource(Dataset dataset, BatchOptions options = {});

  // Starts an epoch at its first batch. A new source stands at the start of epoch 0.
  void start_epoch(int epoch);
  // Puts the next images into `batch`; false at the end of the epoch. The tensors of `batch` are
  // written to again if nothing else holds them.
  bool next(Batch& batch);

  std::int64_t batches() const;  // in an epoch; the last may be smaller
  const Dataset& dataset() const { return dataset_; }
  const BatchOptions& options() const { return options_; }

  // seed, epoch and position inside the epoch. load throws mismatch for another seed, size or batch
  // size.
  Value state_dict() const;
  void load_state_dict(const Value& state);

 private:
  Dataset dataset_;
  BatchOptions options_;
  at::Tensor order_;  // int64 [n]; undefined for Order::as_is
  at::Tensor rows_;   // uint8, the images of a batch before they are normalised
  int epoch_ = 0;
  std::int64_t position_ = 0;  // images already given out
};

}  // namespace torchkeep
