#include "io/checksum.h"

#include <array>

#include <libdeflate.h>
#include <openssl/evp.h>
#include <zlib.h>

#include "base/fail.h"

namespace torchkeep::io {
namespace {

void check(int result) {
  if (result != 1) fail(ErrorCode::internal, "OpenSSL cannot compute SHA-256");
}

}  // namespace

std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t crc) {
  return libdeflate_crc32(crc, bytes.data(), bytes.size());
}

std::uint32_t crc32_combine(std::uint32_t first, std::uint32_t second, std::uint64_t second_bytes) {
  return static_cast<std::uint32_t>(
      ::crc32_combine(first, second, static_cast<z_off_t>(second_bytes)));
}

struct Sha256::Context {
  EVP_MD_CTX* openssl = EVP_MD_CTX_new();
  Context() = default;
  ~Context() { EVP_MD_CTX_free(openssl); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  check(context_->openssl != nullptr ? EVP_DigestInit_ex(context_->openssl, EVP_sha256(), nullptr)
                                     : 0);
}

Sha256::~Sha256() = default;

void Sha256::update(std::span<const std::byte> bytes) {
  check(EVP_DigestUpdate(context_->openssl, bytes.data(), bytes.size()));
}

std::string Sha256::hex_digest() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  check(EVP_DigestFinal_ex(context_->openssl, digest.data(), &size));
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

}  // namespace torchkeep::io
