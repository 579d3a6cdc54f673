#include <string_view>
#include <system_error>

#include <torchkeep/dataset.h>

#include "base/fail.h"
#include "io/atomic_file.h"
#include "io/checksum.h"

namespace torchkeep {
namespace fingerprint_detail {

// The length in front keeps texts apart that would be the same behind each other.
void add(io::Sha256& hash, std::string_view text) {
  const std::string whole = fmt::format("{}:{};", text.size(), text);
  hash.update(std::as_bytes(std::span(whole)));
}

void add_tensor(io::Sha256& hash, const at::Tensor& tensor) {
  const at::Tensor whole = tensor.contiguous();
  hash.update({static_cast<const std::byte*>(whole.data_ptr()), whole.nbytes()});
}

// A missing file has no size: whoever decodes it says so.
std::uint64_t size_of(const std::filesystem::path& file) {
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(file, error);
  return error ? 0 : size;
}

}  // namespace fingerprint_detail

std::string fingerprint(const Dataset& dataset) {
  namespace detail = fingerprint_detail;
  io::Sha256 hash;
  for (const std::string& name : dataset.class_names) detail::add(hash, name);
  detail::add_tensor(hash, dataset.labels);
  if (dataset.images.defined()) detail::add_tensor(hash, dataset.images);
  for (const std::filesystem::path& file : dataset.files) {
    detail::add(hash, file.parent_path().filename().string());
    detail::add(hash, file.filename().string());
    detail::add(hash, std::to_string(detail::size_of(file)));
  }
  return hash.hex_digest();
}

std::string image_digest(const Dataset& dataset, std::int64_t index) {
  io::Sha256 hash;
  if (dataset.images.defined()) {
    fingerprint_detail::add_tensor(hash, dataset.images[index]);
  } else {
    const std::string content = io::read_file(dataset.files.at(static_cast<std::size_t>(index)));
    hash.update(std::as_bytes(std::span(content)));
  }
  return hash.hex_digest();
}

}  // namespace torchkeep
