#include "vision/idx_files.h"

#include <algorithm>
#include <fstream>
#include <memory>
#include <random>
#include <stdexcept>

#include <libdeflate.h>

namespace torchkeep::testing {
namespace {

namespace fs = std::filesystem;

void write_bytes(const fs::path& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary);
  out << bytes;
  if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
}

// A bright horizontal bar whose height tells the class.
std::string image_of_class(int label, const DatasetForm& form, std::mt19937& random) {
  std::string pixels;
  for (int y = 0; y < form.side; ++y) {
    const bool bright = y * form.classes / form.side == label;
    for (int x = 0; x < form.side; ++x) {
      pixels += static_cast<char>(random() % 100 + (bright ? 120 : 0));
    }
  }
  return pixels;
}

void write_split(const fs::path& directory,
                 const std::string& part,
                 int per_class,
                 const DatasetForm& form,
                 std::mt19937& random) {
  std::string images;
  std::string labels;
  for (int i = 0; i < per_class * form.classes; ++i) {
    const int label = i % form.classes;
    images += image_of_class(label, form, random);
    labels += static_cast<char>(label);
  }
  const auto n = static_cast<std::uint32_t>(labels.size());
  const auto side = static_cast<std::uint32_t>(form.side);
  write_bytes(directory / (part + "-images-idx3-ubyte.gz"),
              gzip(idx_bytes({n, side, side}, images)));
  write_bytes(directory / (part + "-labels-idx1-ubyte.gz"), gzip(idx_bytes({n}, labels)));
}

}  // namespace

std::string idx_bytes(const std::vector<std::uint32_t>& shape, const std::string& elements) {
  std::string bytes{'\0', '\0', '\x08', static_cast<char>(shape.size())};
  for (const std::uint32_t size : shape) {
    for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(size >> shift & 0xff);
  }
  return bytes + elements;
}

std::string gzip(const std::string& content) {
  const std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)> compressor(
      libdeflate_alloc_compressor(6), libdeflate_free_compressor);
  std::string result(libdeflate_gzip_compress_bound(compressor.get(), content.size()), '\0');
  result.resize(libdeflate_gzip_compress(compressor.get(), content.data(), content.size(),
                                         result.data(), result.size()));
  return result;
}

void write_dataset(const fs::path& directory, const DatasetForm& form) {
  fs::create_directories(directory);
  std::mt19937 random(1);
  write_split(directory, "train", form.train_per_class, form, random);
  write_split(directory, "t10k", form.test_per_class, form, random);
}

}  // namespace torchkeep::testing
