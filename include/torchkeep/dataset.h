// Labelled images, in memory or in files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <torchkeep/error.h>
#include <torchkeep/image.h>

#include <ATen/core/ivalue.h>  // before Tensor.h: clang 14 needs it to compile LibTorch 1.13 in C++20
#include <ATen/core/Tensor.h>

namespace torchkeep {

// Images and labels of the same count. The images are in memory, or in files that are decoded when
// a batch needs them. Copies share the memory of tensors.
struct Dataset {
  // uint8 [n, channels, height, width]; or float32 [n, ...], which is taken as it is, such as
  // features; or undefined, where there are files.
  at::Tensor images = {};
  at::Tensor labels = {};  // int64 [n], from 0 to class_names.size() - 1
  std::vector<std::string> class_names = {};
  std::vector<std::filesystem::path> files = {};
  std::int64_t size() const { return labels.size(0); }
};

// Few data sets have a part for validation: split() makes one.
enum class Split { train, validation, test };

// A data set by its name: "fashion-mnist", "fashion-mnist:DIR", "idx:DIR", "cifar10:DIR",
// "folder:DIR" or just the folder, which may hold the folders train, val and test (of which one
// stands for both where the other is missing), "csv:FILE". Nothing where it has no such part.
// Throws invalid_argument for another name, and as the functions below.
std::optional<Dataset> load_dataset(const std::string& name, Split split);

// Reads the idx files (`train-images-idx3-ubyte.gz` and so on, also without .gz) of a directory in
// the layout of MNIST and Fashion-MNIST. `class_names` may be empty: then "0", "1", ...
// Throws not_found, corrupt.
Dataset load_idx(const std::filesystem::path& directory,
                 Split split,
                 std::vector<std::string> class_names = {});

// Fashion-MNIST with its class names, from `directory` or, if that is empty, from where Debian's
// package dataset-fashion-mnist puts it. Throws not_found, saying how to get it.
Dataset load_fashion_mnist(Split split, const std::filesystem::path& directory = {});

// CIFAR-10's binary version: data_batch_1.bin to data_batch_5.bin or test_batch.bin in `directory`
// or in its folder cifar-10-batches-bin. Throws not_found, corrupt.
Dataset load_cifar10(const std::filesystem::path& directory, Split split);

// A folder with a folder for each class, in the order of torchvision's ImageFolder: classes by
// name, the files of each (also in folders below) by path; files count by their extension. Throws
// not_found for a folder without classes and for classes without images.
Dataset load_image_folder(const std::filesystem::path& directory);

// A list with a line `path,label` for each image; paths are relative to its folder; a first line
// `path,label` is a heading; fields may be quoted. Labels are names of classes, which are sorted,
// or all numbers from 0. Throws not_found, io, corrupt naming the line.
Dataset load_image_list(const std::filesystem::path& csv);

// Images without labels: files, and those below folders, sorted. All get the label 0 of a class
// without a name. Throws not_found for a path that is not there.
Dataset list_images(const std::vector<std::filesystem::path>& paths);

// Decodes every file and leaves those out that cannot be decoded; their errors are added to
// `broken`. `threads` as in BatchOptions.
Dataset without_broken_images(const Dataset& dataset, std::vector<Error>& broken, int threads = 0);

// Only the images of these classes, in their order, relabelled 0, 1, ... in the order of `classes`.
// Throws invalid_argument for a class that there is not.
Dataset select_classes(const Dataset& dataset, const std::vector<std::int64_t>& classes);

// The first `per_class` images of each class. Throws invalid_argument if a class has fewer.
Dataset take_per_class(const Dataset& dataset, std::int64_t per_class);

// With the labels of those classes, in whatever order the data set has its own. Throws mismatch
// naming the classes that are not among them.
Dataset with_classes(const Dataset& dataset, const std::vector<std::string>& class_names);

// Two disjoint parts, the second with `fraction` of each class, rounded, chosen by `seed`. Both
// keep the order of the images. Throws invalid_argument unless 0 <= fraction <= 1.
std::pair<Dataset, Dataset> split(const Dataset& dataset, double fraction, std::uint64_t seed);

// A SHA-256, in hexadecimal, that differs where classes, labels or images do: of images in memory
// the pixels count, of files their names, without the way to their folder, and their sizes.
std::string fingerprint(const Dataset& dataset);

// The SHA-256, in hexadecimal, of an image's bytes as they are kept: those of its file, or of its
// part of the tensor. Throws as reading the file.
std::string image_digest(const Dataset& dataset, std::int64_t index);

}  // namespace torchkeep
