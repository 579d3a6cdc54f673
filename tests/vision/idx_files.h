// Small data sets in the layout of MNIST, written by tests.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace torchkeep::testing {

// The bytes of an idx file of unsigned bytes.
std::string idx_bytes(const std::vector<std::uint32_t>& shape, const std::string& elements);

// The bytes of a gzip file.
std::string gzip(const std::string& content);

// Images of which each class can be told by its pixels, with some noise; both splits, compressed.
// The same arguments give the same files.
struct DatasetForm {
  int classes = 3;
  int train_per_class = 20;
  int test_per_class = 10;
  int side = 28;  // in pixels
};
void write_dataset(const std::filesystem::path& directory, const DatasetForm& form = {});

}  // namespace torchkeep::testing
