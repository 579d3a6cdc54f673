#include "vision/idx.h"

#include <memory>

#include <libdeflate.h>

#include "base/fail.h"
#include "io/atomic_file.h"

namespace torchkeep {
namespace idx_detail {

constexpr std::uint64_t kMaxInflatedBytes = std::uint64_t{1} << 30;
constexpr std::uint64_t kMaxDeflateRatio = 1032;  // 258 bytes from two bits
constexpr std::size_t kGzipTrailerBytes = 8;
constexpr std::size_t kMagicBytes = 4;
constexpr unsigned char kUnsignedByte = 0x08;

unsigned char byte_at(const std::string& content, std::size_t position) {
  return static_cast<unsigned char>(content[position]);
}

bool is_gzip(const std::string& content) {
  return content.size() > 2 && byte_at(content, 0) == 0x1f && byte_at(content, 1) == 0x8b;
}

// The last four bytes of a gzip file, little-endian, are the size of what it inflates to.
std::uint64_t inflated_size(const std::string& compressed) {
  if (compressed.size() < kGzipTrailerBytes) fail(ErrorCode::corrupt, "the gzip file is cut off");
  std::uint64_t size = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    size |= std::uint64_t{byte_at(compressed, compressed.size() - 4 + i)} << (8 * i);
  }
  return size;
}

std::string inflate(const std::string& compressed) {
  const std::uint64_t size = inflated_size(compressed);
  if (size > kMaxDeflateRatio * compressed.size()) {
    fail(ErrorCode::corrupt, "claims that {} bytes inflate to {}, which is too many",
         compressed.size(), size);
  }
  if (size > kMaxInflatedBytes) {
    fail(ErrorCode::unsafe, "claims to inflate to {} bytes (expected at most {})", size,
         kMaxInflatedBytes);
  }
  std::string content(static_cast<std::size_t>(size), '\0');
  const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)>
      decompressor(libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  if (decompressor == nullptr) fail(ErrorCode::io, "there is no memory to inflate it");
  const libdeflate_result result =
      libdeflate_gzip_decompress(decompressor.get(), compressed.data(), compressed.size(),
                                 content.data(), content.size(), nullptr);
  if (result != LIBDEFLATE_SUCCESS) {
    fail_at(ErrorCode::corrupt, {}, "get the file again", "the gzip file is damaged or cut off");
  }
  return content;
}

IdxArray parse(std::string content) {
  if (content.size() < kMagicBytes || content[0] != 0 || content[1] != 0) {
    fail(ErrorCode::corrupt, "is no idx file");
  }
  if (byte_at(content, 2) != kUnsignedByte) {
    fail(ErrorCode::unsupported,
         "holds elements of type {:#04x} (expected {:#04x}, unsigned bytes)", byte_at(content, 2),
         kUnsignedByte);
  }
  const std::size_t dimensions = byte_at(content, 3);
  IdxArray array{.first = kMagicBytes + 4 * dimensions};
  if (content.size() < array.first) fail(ErrorCode::corrupt, "is cut off in its header");
  for (std::size_t i = 0; i < dimensions; ++i) {
    std::int64_t size = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      size = size << 8 | byte_at(content, kMagicBytes + 4 * i + k);
    }
    array.shape.push_back(size);
  }
  const std::size_t bytes = content.size() - array.first;
  std::int64_t expected = 0;
  try {
    expected = count_elements(array.shape);
  } catch (const Error&) {
    fail(ErrorCode::corrupt, "declares the shape {}, which nothing can hold",
         to_string(array.shape));
  }
  if (bytes != static_cast<std::uint64_t>(expected)) {
    fail(ErrorCode::corrupt, "holds {} elements (expected {} for the shape {})", bytes, expected,
         to_string(array.shape));
  }
  array.content = std::make_shared<std::string>(std::move(content));
  return array;
}

}  // namespace idx_detail

IdxArray read_idx(const std::filesystem::path& path) {
  try {
    std::string content = io::read_file(path);
    return idx_detail::parse(idx_detail::is_gzip(content) ? idx_detail::inflate(content)
                                                          : std::move(content));
  } catch (Error& error) {
    error.add_place({.path = path.string()});
    throw;
  }
}

}  // namespace torchkeep
