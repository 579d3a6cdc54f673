#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <system_error>

#include <torchkeep/dataset.h>

#include <ATen/Functions.h>
#include <fmt/ranges.h>

#include "base/fail.h"
#include "base/parallel.h"
#include "vision/selection.h"

namespace torchkeep {
namespace image_files_detail {

namespace fs = std::filesystem;

// Those of torchvision, so that both find the same files; what cannot be decoded here is an error
// that names the file, not an image that is silently missing.
constexpr std::array<std::string_view, 9> kExtensions = {".jpg", ".jpeg", ".png",  ".ppm", ".bmp",
                                                         ".pgm", ".tif",  ".tiff", ".webp"};
constexpr int kDeepest = 32;  // folders; deeper ones are links that form a loop

bool has_image_extension(const fs::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::find(kExtensions, extension) != kExtensions.end();
}

[[noreturn]] void fail_to_list(const fs::path& directory, const std::error_code& error) {
  fail_at(ErrorCode::io, {.path = directory.string()}, "", "cannot be listed ({})",
          error.message());
}

// As Python sorts the paths: folder by folder, each before those in it.
struct ByFolderAndName {
  bool operator()(const fs::path& a, const fs::path& b) const {
    const auto key = [](const fs::path& path) {
      return std::pair(path.parent_path().native(), path.filename().native());
    };
    return key(a) < key(b);
  }
};

std::vector<fs::path> images_below(const fs::path& directory) {
  std::vector<fs::path> files;
  std::error_code error;
  fs::recursive_directory_iterator entries(directory,
                                           fs::directory_options::follow_directory_symlink, error);
  for (const fs::recursive_directory_iterator end; !error && entries != end;
       entries.increment(error)) {
    if (entries.depth() > kDeepest) {
      fail_at(ErrorCode::io, {.path = directory.string()}, "",
              "folders are nested more than {} deep", kDeepest);
    }
    std::error_code ignored;
    if (has_image_extension(entries->path()) && !entries->is_directory(ignored)) {
      files.push_back(entries->path());
    }
  }
  if (error) fail_to_list(directory, error);
  std::ranges::sort(files, ByFolderAndName());
  return files;
}

std::vector<std::string> folders_in(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entries(directory, error);
  for (const fs::directory_iterator end; !error && entries != end; entries.increment(error)) {
    std::error_code ignored;
    if (entries->is_directory(ignored)) names.push_back(entries->path().filename().string());
  }
  if (error == std::errc::no_such_file_or_directory) {
    fail_at(ErrorCode::not_found, {.path = directory.string()}, "", "there is no such folder");
  }
  if (error) fail_to_list(directory, error);
  std::ranges::sort(names);
  return names;
}

}  // namespace image_files_detail

Dataset load_image_folder(const std::filesystem::path& directory) {
  namespace detail = image_files_detail;
  Dataset dataset{.class_names = detail::folders_in(directory)};
  if (dataset.class_names.empty()) {
    fail_at(ErrorCode::not_found, {.path = directory.string()},
            "put the images of each class into a folder of its own", "there are no folders in it");
  }
  std::vector<std::int64_t> labels;
  std::vector<std::string> empty;
  for (std::size_t label = 0; label < dataset.class_names.size(); ++label) {
    const auto files = detail::images_below(directory / dataset.class_names[label]);
    if (files.empty()) empty.push_back(dataset.class_names[label]);
    dataset.files.insert(dataset.files.end(), files.begin(), files.end());
    labels.resize(dataset.files.size(), static_cast<std::int64_t>(label));
  }
  if (!empty.empty()) {
    fail_at(ErrorCode::not_found, {.path = directory.string()}, "",
            "there are no images in the folders {} (expected files that end in {})",
            fmt::join(empty, ", "), fmt::join(detail::kExtensions, ", "));
  }
  dataset.labels = at::tensor(labels, at::kLong);
  return dataset;
}

Dataset list_images(const std::vector<std::filesystem::path>& paths) {
  namespace detail = image_files_detail;
  Dataset dataset{.class_names = {""}};
  for (const std::filesystem::path& path : paths) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (!std::filesystem::exists(status)) {
      fail_at(ErrorCode::not_found, {.path = path.string()}, "", "there is no such file or folder");
    }
    if (std::filesystem::is_directory(status)) {
      const auto files = detail::images_below(path);
      dataset.files.insert(dataset.files.end(), files.begin(), files.end());
    } else {
      dataset.files.push_back(path);
    }
  }
  dataset.labels = at::zeros({static_cast<std::int64_t>(dataset.files.size())}, at::kLong);
  return dataset;
}

Dataset without_broken_images(const Dataset& dataset, std::vector<Error>& broken, int threads) {
  if (dataset.images.defined()) return dataset;
  std::vector<std::optional<Error>> errors(dataset.files.size());
  parallel_for(dataset.files.size(), effective_threads(threads), [&](std::size_t i) {
    try {
      read_image(dataset.files[i]);
    } catch (const Error& error) {
      errors[i] = error;
    }
  });
  std::vector<std::int64_t> whole;
  for (std::size_t i = 0; i < errors.size(); ++i) {
    if (errors[i]) {
      broken.push_back(*errors[i]);
    } else {
      whole.push_back(static_cast<std::int64_t>(i));
    }
  }
  return broken.empty() ? dataset : at_positions(dataset, whole);
}

}  // namespace torchkeep
