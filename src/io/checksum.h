// Checksums of bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace torchkeep::io {

// CRC-32 as in zip files. `crc` is that of the bytes before, so a run can be taken in pieces.
std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t crc = 0);

// The CRC-32 of two runs one after the other, of which the second has `second_bytes` bytes.
std::uint32_t crc32_combine(std::uint32_t first, std::uint32_t second, std::uint64_t second_bytes);

// SHA-256 of bytes that come in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(std::span<const std::byte> bytes);
  // 64 lower-case hexadecimal digits. To be called once, at the end.
  std::string hex_digest();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace torchkeep::io
