#include <system_error>

#include <torchkeep/dataset.h>

#include "base/fail.h"

namespace torchkeep {
namespace dataset_name_detail {

namespace fs = std::filesystem;

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

// The part of a folder that is divided into train, val and test, or the whole of one that is not.
std::optional<Dataset> load_part_of_folder(const fs::path& directory, Split split) {
  if (!is_folder(directory / "train")) {
    if (split != Split::train) return std::nullopt;
    return load_image_folder(directory);
  }
  if (split == Split::train) return load_image_folder(directory / "train");
  const bool wants_test = split == Split::test;
  for (const char* name : {wants_test ? "test" : "val", wants_test ? "val" : "test"}) {
    if (is_folder(directory / name)) return load_image_folder(directory / name);
  }
  return std::nullopt;
}

// Those in one piece.
std::optional<Dataset> load_list(const fs::path& csv, Split split) {
  if (split != Split::train) return std::nullopt;
  return load_image_list(csv);
}

}  // namespace dataset_name_detail

std::optional<Dataset> load_dataset(const std::string& name, Split split) {
  namespace detail = dataset_name_detail;
  const std::size_t colon = name.find(':');
  const std::string kind = name.substr(0, colon);
  const std::filesystem::path path = colon == name.npos ? "" : name.substr(colon + 1);
  if (kind == "fashion-mnist") {
    if (split == Split::validation) return std::nullopt;
    return load_fashion_mnist(split, path);
  }
  if (kind == "idx" && !path.empty()) {
    if (split == Split::validation) return std::nullopt;
    return load_idx(path, split);
  }
  if (kind == "cifar10" && !path.empty()) {
    if (split == Split::validation) return std::nullopt;
    return load_cifar10(path, split);
  }
  if (kind == "folder" && !path.empty()) return detail::load_part_of_folder(path, split);
  if (kind == "csv" && !path.empty()) return detail::load_list(path, split);
  if (detail::is_folder(name)) return detail::load_part_of_folder(name, split);
  fail(ErrorCode::invalid_argument,
       "no data set \"{}\" (there are fashion-mnist, fashion-mnist:DIR, idx:DIR, cifar10:DIR, "
       "folder:DIR, csv:FILE, or a folder with one for each class)",
       name);
}

}  // namespace torchkeep
