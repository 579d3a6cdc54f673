// The manifest of an archive that is being written.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <torchkeep/storage.h>
#include <torchkeep/value.h>

#include "format/pt/manifest.h"

namespace torchkeep::pt {

// Hashes every byte once: a tensor that fills its storage has the checksum of that.
class ManifestBuilder {
 public:
  // Hashes the storages, by several threads.
  explicit ManifestBuilder(const std::vector<Storage>& storages);

  // In the order of the file.
  void add_record(std::string_view name, std::span<const std::byte> content);
  void add_tensors(const Value& value);

  std::string encode() const { return encode_manifest(manifest_); }

 private:
  std::string sha256_of(std::span<const std::byte> bytes) const;
  std::string sha256_of(const Tensor& tensor) const;

  std::map<std::pair<const std::byte*, std::size_t>, std::string> by_memory_;
  Sha256Manifest manifest_;
};

}  // namespace torchkeep::pt
