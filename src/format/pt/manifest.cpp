#include "format/pt/manifest.h"

#include <algorithm>
#include <functional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/fail.h"
#include "base/parallel.h"
#include "data/leaves.h"
#include "data/tensor_hash.h"
#include "format/pt/manifest_name.h"
#include "io/checksum.h"

namespace torchkeep::pt {
namespace {

using Entry = Sha256Manifest::Entry;
using Kind = ManifestMismatch::Kind;

constexpr std::uint64_t kChunkBytes = std::uint64_t{1} << 20;

std::string sha256_of_record(const zip::Reader& reader, const zip::Record& record) {
  io::Sha256 sha256;
  if (record.method == zip::Method::deflated) {
    sha256.update(reader.read(record, zip::Checksum::ignore));
    return sha256.hex_digest();
  }
  std::vector<std::byte> chunk;
  for (std::uint64_t done = 0; done < record.bytes; done += chunk.size()) {
    chunk.resize(static_cast<std::size_t>(std::min(record.bytes - done, kChunkBytes)));
    reader.file().read(record.data_offset + done, chunk);
    sha256.update(chunk);
  }
  return sha256.hex_digest();
}

// Compressed data may be damaged so that it does not inflate.
bool has_sha256(const zip::Reader& reader, const zip::Record& record, const std::string& sha256) {
  try {
    return sha256_of_record(reader, record) == sha256;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt) throw;
    return false;
  }
}

}  // namespace

std::optional<Sha256Manifest> read_manifest(const Archive& archive, const Limits& limits) {
  const zip::Record* record = archive.find(kManifestRecord);
  if (record == nullptr) return std::nullopt;
  try {
    if (record->bytes > limits.max_pickle_bytes) {
      fail(ErrorCode::unsafe, "is too long (expected at most {} bytes, got {}: max_pickle_bytes)",
           limits.max_pickle_bytes, record->bytes);
    }
    const std::vector<std::byte> bytes = archive.reader().read(*record);
    return decode_manifest({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  } catch (Error& error) {
    Place place;
    place.record = kManifestRecord;
    error.add_place(place);
    throw;
  }
}

std::vector<ManifestMismatch> check_records(const Archive& archive,
                                            const Sha256Manifest& manifest,
                                            int threads) {
  const auto& listed = manifest.records;
  std::vector<std::optional<Kind>> problems(listed.size());
  parallel_for(listed.size(), effective_threads(threads), [&](std::size_t i) {
    const zip::Record* record = archive.find(listed[i].name);
    if (record == nullptr) {
      problems[i] = Kind::missing;
    } else if (!has_sha256(archive.reader(), *record, listed[i].sha256)) {
      problems[i] = Kind::changed;
    }
  });
  std::vector<ManifestMismatch> mismatches;
  for (std::size_t i = 0; i < listed.size(); ++i) {
    if (problems[i]) mismatches.push_back({*problems[i], listed[i].name});
  }
  std::unordered_set<std::string_view> names = {kManifestRecord};
  for (const Entry& entry : listed) names.insert(entry.name);
  for (const zip::Record& record : archive.reader().records()) {
    const std::string_view name = archive.name_of(record);
    if (!names.contains(name)) mismatches.push_back({Kind::unlisted, std::string(name)});
  }
  return mismatches;
}

std::vector<ManifestMismatch> check_tensors(const Value& value, const Sha256Manifest& manifest) {
  std::unordered_multimap<std::string_view, const Entry*> listed;
  for (const Entry& entry : manifest.tensors) listed.emplace(entry.name, &entry);
  std::vector<ManifestMismatch> mismatches;
  visit_leaves(value, [&](const std::string& leaf_name, const Value& leaf) {
    if (!leaf.is_tensor()) return;
    const std::string name = manifest_name(leaf_name);
    const auto [begin, end] = listed.equal_range(name);
    if (begin == end) {
      mismatches.push_back({Kind::unlisted, name});
      return;
    }
    const std::string sha256 = sha256_of_elements(leaf.as_tensor());
    const auto same =
        std::find_if(begin, end, [&](const auto& entry) { return entry.second->sha256 == sha256; });
    if (same == end) mismatches.push_back({Kind::changed, name});
    listed.erase(same == end ? begin : same);
  });
  for (const Entry& entry : manifest.tensors) {
    const auto [begin, end] = listed.equal_range(entry.name);
    if (std::any_of(begin, end, [&](const auto& left) { return left.second == &entry; })) {
      mismatches.push_back({Kind::missing, entry.name});
    }
  }
  return mismatches;
}

}  // namespace torchkeep::pt
