#include "format/pt/manifest_builder.h"

#include <unordered_map>

#include "base/parallel.h"
#include "data/leaves.h"
#include "data/tensor_hash.h"
#include "format/pt/manifest_name.h"
#include "io/checksum.h"

namespace torchkeep::pt {
namespace {

std::string compute_sha256(std::span<const std::byte> bytes) {
  io::Sha256 sha256;
  sha256.update(bytes);
  return sha256.hex_digest();
}

}  // namespace

ManifestBuilder::ManifestBuilder(const std::vector<Storage>& storages) {
  std::vector<std::string> hashes(storages.size());
  parallel_for(storages.size(), effective_threads(0),
               [&](std::size_t i) { hashes[i] = compute_sha256(storages[i].bytes()); });
  for (std::size_t i = 0; i < storages.size(); ++i) {
    const std::span<const std::byte> bytes = storages[i].bytes();
    by_memory_[{bytes.data(), bytes.size()}] = std::move(hashes[i]);
  }
}

void ManifestBuilder::add_record(std::string_view name, std::span<const std::byte> content) {
  manifest_.records.push_back({std::string(name), sha256_of(content)});
}

void ManifestBuilder::add_tensors(const Value& value) {
  // One tensor may have several names. A leaf is held, so that no other gets its identity.
  std::unordered_map<const void*, std::pair<Value, std::string>> known;
  visit_leaves(value, [&](const std::string& name, const Value& leaf) {
    if (!leaf.is_tensor()) return;
    auto& [held, sha256] = known[leaf.identity()];
    if (sha256.empty()) sha256 = sha256_of(leaf.as_tensor());
    held = leaf;
    manifest_.tensors.push_back({manifest_name(name), sha256});
  });
}

std::string ManifestBuilder::sha256_of(std::span<const std::byte> bytes) const {
  const auto known = by_memory_.find({bytes.data(), bytes.size()});
  return known != by_memory_.end() ? known->second : compute_sha256(bytes);
}

std::string ManifestBuilder::sha256_of(const Tensor& tensor) const {
  return tensor.is_contiguous() ? sha256_of(tensor.bytes()) : sha256_of_elements(tensor);
}

}  // namespace torchkeep::pt
