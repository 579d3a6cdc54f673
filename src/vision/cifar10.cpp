// CIFAR-10's binary version: records of a label and 32x32 pixels in three planes.
#include <algorithm>
#include <system_error>

#include <torchkeep/dataset.h>

#include <ATen/Functions.h>

#include "base/fail.h"
#include "io/atomic_file.h"

namespace torchkeep {
namespace cifar10_detail {

namespace fs = std::filesystem;

constexpr std::int64_t kSide = 32;
constexpr std::int64_t kImageBytes = 3 * kSide * kSide;
constexpr std::int64_t kRecordBytes = 1 + kImageBytes;

std::vector<std::string> class_names() {
  return {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
}

std::vector<std::string> file_names(Split split) {
  if (split == Split::test) return {"test_batch.bin"};
  std::vector<std::string> names;
  for (int i = 1; i <= 5; ++i) names.push_back(fmt::format("data_batch_{}.bin", i));
  return names;
}

void append_file(const fs::path& path, std::string& records) {
  const std::string content = io::read_file(path);
  if (content.empty() || content.size() % kRecordBytes != 0) {
    fail_at(ErrorCode::corrupt, {.path = path.string()}, "",
            "is of {} bytes (expected a multiple of {}, a label and an image)", content.size(),
            kRecordBytes);
  }
  for (std::size_t at = 0; at < content.size(); at += kRecordBytes) {
    const auto label = static_cast<unsigned char>(content[at]);
    if (label < class_names().size()) continue;
    fail_at(ErrorCode::corrupt, {.path = path.string(), .byte_offset = at}, "",
            "holds the label {} (expected less than {})", label, class_names().size());
  }
  records += content;
}

}  // namespace cifar10_detail

Dataset load_cifar10(const std::filesystem::path& directory, Split split) {
  namespace detail = cifar10_detail;
  std::error_code error;
  const auto inside = directory / "cifar-10-batches-bin";
  const auto from = std::filesystem::is_directory(inside, error) ? inside : directory;
  std::string bytes;
  for (const std::string& name : detail::file_names(split)) {
    detail::append_file(from / name, bytes);
  }
  const at::Tensor records = at::from_blob(
      bytes.data(),
      {static_cast<std::int64_t>(bytes.size()) / detail::kRecordBytes, detail::kRecordBytes},
      at::kByte);
  return {.images = records.narrow(1, 1, detail::kImageBytes)
                        .reshape({-1, 3, detail::kSide, detail::kSide})
                        .clone(),
          .labels = records.select(1, 0).to(at::kLong),
          .class_names = detail::class_names()};
}

}  // namespace torchkeep
