#include <algorithm>
#include <cmath>
#include <numeric>
#include <system_error>

#include <torchkeep/dataset.h>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>
#include <fmt/ranges.h>

#include "base/fail.h"
#include "vision/idx.h"
#include "vision/selection.h"

namespace torchkeep {
namespace dataset_detail {

namespace fs = std::filesystem;

// Where Debian's package dataset-fashion-mnist puts its files.
constexpr const char* kFashionMnistDirectory = "/usr/share/datasets/fashion-mnist";
constexpr const char* kHowToGetFashionMnist =
    "install Debian's package dataset-fashion-mnist, or name a directory with the four files of "
    "Fashion-MNIST";

std::vector<std::string> fashion_mnist_classes() {
  return {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
          "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
}

fs::path find_idx_file(const fs::path& directory, const std::string& file_name) {
  const fs::path plain = directory / file_name;
  std::error_code error;
  if (fs::exists(plain, error)) return plain;
  fs::path compressed = directory / (file_name + ".gz");
  if (fs::exists(compressed, error)) return compressed;
  fail_at(ErrorCode::not_found, {.path = plain.string()}, "",
          "there is no such file, neither with the ending .gz");
}

// Views the array's memory and keeps it alive.
at::Tensor to_uint8_tensor(const IdxArray& array, at::IntArrayRef shape) {
  return at::from_blob(
      array.data(), shape, [content = array.content](void*) {}, at::kByte);
}

void check_labels(const Dataset& dataset, const fs::path& path) {
  if (dataset.labels.size(0) != dataset.images.size(0)) {
    fail_at(ErrorCode::corrupt, {.path = path.string()}, "",
            "holds {} labels (expected {}, one for each image)", dataset.labels.size(0),
            dataset.images.size(0));
  }
  const auto classes = static_cast<std::int64_t>(dataset.class_names.size());
  if (dataset.size() > 0 && dataset.labels.max().item<std::int64_t>() >= classes) {
    fail_at(ErrorCode::corrupt, {.path = path.string()}, "",
            "holds the label {} (expected less than {})", dataset.labels.max().item<std::int64_t>(),
            classes);
  }
}

std::vector<std::string> numbered_classes(const at::Tensor& labels) {
  std::vector<std::string> names;
  const std::int64_t count = labels.numel() == 0 ? 0 : labels.max().item<std::int64_t>() + 1;
  for (std::int64_t i = 0; i < count; ++i) names.push_back(std::to_string(i));
  return names;
}

// Positions of the images of each class, in order.
std::vector<std::vector<std::int64_t>> positions_by_class(const Dataset& dataset) {
  std::vector<std::vector<std::int64_t>> positions(dataset.class_names.size());
  const auto labels = dataset.labels.accessor<std::int64_t, 1>();
  for (std::int64_t i = 0; i < labels.size(0); ++i) {
    positions.at(static_cast<std::size_t>(labels[i])).push_back(i);
  }
  return positions;
}

// The images at these positions, with these labels.
Dataset select(const Dataset& dataset,
               const std::vector<std::int64_t>& positions,
               at::Tensor labels,
               std::vector<std::string> class_names) {
  Dataset result{.labels = std::move(labels), .class_names = std::move(class_names)};
  if (dataset.images.defined()) {
    result.images = dataset.images.index_select(0, at::tensor(positions, at::kLong));
    return result;
  }
  for (const std::int64_t position : positions) {
    result.files.push_back(dataset.files[static_cast<std::size_t>(position)]);
  }
  return result;
}

at::Tensor permutation(std::int64_t n, at::Generator& generator) {
  return at::randperm(n, generator, at::kLong);
}

Dataset at_sorted_positions(const Dataset& dataset, std::vector<std::int64_t> positions) {
  std::sort(positions.begin(), positions.end());
  return at_positions(dataset, positions);
}

}  // namespace dataset_detail

Dataset at_positions(const Dataset& dataset, const std::vector<std::int64_t>& positions) {
  return dataset_detail::select(dataset, positions,
                                dataset.labels.index_select(0, at::tensor(positions, at::kLong)),
                                dataset.class_names);
}

Dataset load_idx(const std::filesystem::path& directory,
                 Split split,
                 std::vector<std::string> class_names) {
  namespace detail = dataset_detail;
  const std::string part = split == Split::train ? "train" : "t10k";
  const auto images_path = detail::find_idx_file(directory, part + "-images-idx3-ubyte");
  const auto labels_path = detail::find_idx_file(directory, part + "-labels-idx1-ubyte");
  const IdxArray images = read_idx(images_path);
  const IdxArray labels = read_idx(labels_path);
  if (images.shape.size() != 3) {
    fail_at(ErrorCode::corrupt, {.path = images_path.string()}, "",
            "has the shape {} (expected images, height, width)", to_string(images.shape));
  }
  if (labels.shape.size() != 1) {
    fail_at(ErrorCode::corrupt, {.path = labels_path.string()}, "",
            "has the shape {} (expected one label for each image)", to_string(labels.shape));
  }
  Dataset dataset;
  dataset.images =
      detail::to_uint8_tensor(images, {images.shape[0], 1, images.shape[1], images.shape[2]});
  dataset.labels = detail::to_uint8_tensor(labels, labels.shape).to(at::kLong);
  dataset.class_names =
      class_names.empty() ? detail::numbered_classes(dataset.labels) : std::move(class_names);
  detail::check_labels(dataset, labels_path);
  return dataset;
}

Dataset load_fashion_mnist(Split split, const std::filesystem::path& directory) {
  namespace detail = dataset_detail;
  const std::filesystem::path from = directory.empty() ? detail::kFashionMnistDirectory : directory;
  try {
    return load_idx(from, split, detail::fashion_mnist_classes());
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
    throw Error(error.code(), error.problem(), error.place(), detail::kHowToGetFashionMnist);
  }
}

Dataset select_classes(const Dataset& dataset, const std::vector<std::int64_t>& classes) {
  const auto count = static_cast<std::int64_t>(dataset.class_names.size());
  at::Tensor new_label = at::full({count}, -1, at::kLong);
  std::vector<std::string> names;
  for (const std::int64_t wanted : classes) {
    if (wanted < 0 || wanted >= count) {
      fail(ErrorCode::invalid_argument, "there is no class {} (expected 0 to {})", wanted,
           count - 1);
    }
    if (new_label[wanted].item<std::int64_t>() >= 0) {
      fail(ErrorCode::invalid_argument, "class {} is named twice", wanted);
    }
    new_label[wanted] = static_cast<std::int64_t>(names.size());
    names.push_back(dataset.class_names[static_cast<std::size_t>(wanted)]);
  }
  const at::Tensor labels = new_label.index_select(0, dataset.labels);
  const at::Tensor index = at::nonzero(at::ge(labels, 0)).flatten();
  const std::vector<std::int64_t> positions(index.data_ptr<std::int64_t>(),
                                            index.data_ptr<std::int64_t>() + index.numel());
  return dataset_detail::select(dataset, positions, labels.index_select(0, index),
                                std::move(names));
}

Dataset with_classes(const Dataset& dataset, const std::vector<std::string>& class_names) {
  if (dataset.class_names == class_names) return dataset;
  std::vector<std::int64_t> new_label;
  std::vector<std::string> unknown;
  for (const std::string& name : dataset.class_names) {
    const auto found = std::ranges::find(class_names, name);
    if (found == class_names.end()) unknown.push_back(name);
    new_label.push_back(found - class_names.begin());
  }
  if (!unknown.empty()) {
    fail(ErrorCode::mismatch, "the data have classes that are not expected: {} (expected {})",
         fmt::join(unknown, ", "), fmt::join(class_names, ", "));
  }
  Dataset result = dataset;
  result.labels = at::tensor(new_label, at::kLong).index_select(0, dataset.labels);
  result.class_names = class_names;
  return result;
}

Dataset take_per_class(const Dataset& dataset, std::int64_t per_class) {
  if (per_class < 1) {
    fail(ErrorCode::invalid_argument, "{} images of each class are asked for (expected at least 1)",
         per_class);
  }
  const auto positions = dataset_detail::positions_by_class(dataset);
  std::vector<std::int64_t> chosen;
  for (std::size_t label = 0; label < positions.size(); ++label) {
    const auto& of_class = positions[label];
    if (static_cast<std::int64_t>(of_class.size()) < per_class) {
      fail(ErrorCode::invalid_argument, "class {} has {} images (expected at least {})",
           dataset.class_names[label], of_class.size(), per_class);
    }
    chosen.insert(chosen.end(), of_class.begin(), of_class.begin() + per_class);
  }
  return dataset_detail::at_sorted_positions(dataset, std::move(chosen));
}

std::pair<Dataset, Dataset> split(const Dataset& dataset, double fraction, std::uint64_t seed) {
  if (!(fraction >= 0.0 && fraction <= 1.0)) {
    fail(ErrorCode::invalid_argument, "the fraction of a split is {} (expected 0 to 1)", fraction);
  }
  at::Generator generator = at::detail::createCPUGenerator(seed);
  std::vector<std::int64_t> first;
  std::vector<std::int64_t> second;
  for (const auto& of_class : dataset_detail::positions_by_class(dataset)) {
    const auto n = static_cast<std::int64_t>(of_class.size());
    const std::int64_t in_second = std::llround(fraction * static_cast<double>(n));
    const at::Tensor order = dataset_detail::permutation(n, generator);
    for (std::int64_t i = 0; i < n; ++i) {
      const auto position = order[i].item<std::int64_t>();
      (i < in_second ? second : first).push_back(of_class[static_cast<std::size_t>(position)]);
    }
  }
  return {dataset_detail::at_sorted_positions(dataset, std::move(first)),
          dataset_detail::at_sorted_positions(dataset, std::move(second))};
}

}  // namespace torchkeep
