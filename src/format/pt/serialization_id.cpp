#include "format/pt/serialization_id.h"

#include <cstdint>
#include <functional>
#include <unordered_set>

#include <fmt/format.h>

namespace torchkeep::pt {
namespace {

std::uint64_t combine(std::uint64_t seed, std::uint64_t value) {
  return seed ^ (value + 0x9E3779B9 + (seed << 6) + (seed >> 2));
}

}  // namespace

std::string serialization_id(std::span<const zip::Writer::Entry> entries) {
  // The id depends on the order in which a set of this type is iterated.
  std::unordered_set<std::string> names;
  std::uint64_t checksums = 0;
  for (const zip::Writer::Entry& entry : entries) {
    names.insert(entry.name);
    if (entry.bytes > 0) checksums = combine(checksums, entry.crc32);
  }
  std::uint64_t name_hash = 0;
  for (const std::string& name : names) {
    name_hash = combine(name_hash, std::hash<std::string>()(name));
  }
  return fmt::format("{:020}{:020}", name_hash, checksums);
}

}  // namespace torchkeep::pt
