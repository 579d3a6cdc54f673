#include "format/legacy/storage_table.h"

#include <utility>

#include "base/fail.h"
#include "base/printable.h"

namespace torchkeep::legacy {
namespace {

constexpr const char* kTruncated = "the file may be truncated";

std::uint64_t item_bytes_of(const StoredBytes& stored) {
  return stored.dtype ? static_cast<std::uint64_t>(item_bytes(*stored.dtype)) : 1;
}

std::string shown(const std::string& key) {
  constexpr std::size_t kMostBytes = 64;
  return printable(key.substr(0, kMostBytes));
}

}  // namespace

void StorageTable::declare(const std::string& key, StoredBytes stored) {
  declared_.emplace(key, std::move(stored));
}

void StorageTable::locate(const Value& keys, pickle::Stream& stream, CountOrder order) {
  if (!keys.is_list()) {
    fail(ErrorCode::corrupt, "the storage keys are a {} (expected a list)", name(keys.kind()));
  }
  for (const Value& key : keys.as_list()) locate_next(key, stream, order);
  for (const auto& [key, stored] : declared_) {
    if (!by_key_.contains(key)) {
      fail(ErrorCode::corrupt, "storage {} of the object is not in the list of storage keys",
           shown(key));
    }
  }
  if (stream.remaining() > 0) {
    fail_at(ErrorCode::unsupported, {.byte_offset = stream.position()},
            "save each object to a file of its own",
            "{} bytes follow the last storage: another object, or damage", stream.remaining());
  }
}

std::size_t StorageTable::index(const std::string& key) const {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) {
    fail(ErrorCode::corrupt, "storage {} was not there before: the file changes while it is read",
         shown(key));
  }
  return found->second;
}

void StorageTable::locate_next(const Value& key, pickle::Stream& stream, CountOrder order) {
  if (!key.is_string()) {
    fail(ErrorCode::corrupt, "a storage key is a {} (expected a str)", name(key.kind()));
  }
  const std::string& text = key.as_string();
  const auto declared = declared_.find(text);
  const Place place = {.byte_offset = stream.position()};
  if (declared == declared_.end()) {
    fail_at(ErrorCode::corrupt, place, "", "the object has no storage {}, which is in the list",
            shown(text));
  }
  if (!by_key_.emplace(text, stored_.size()).second) {
    fail_at(ErrorCode::corrupt, place, "", "storage {} is twice in the list", shown(text));
  }
  StoredBytes stored = declared->second;
  const std::uint64_t expected = stored.bytes / item_bytes_of(stored);
  if (stream.remaining() < sizeof(std::uint64_t)) {
    fail_at(ErrorCode::corrupt, place, kTruncated, "storage {} is missing", shown(text));
  }
  const std::uint64_t count = stream.next_u64();
  if (count != expected && decode_count(count, order) != expected) {
    fail_at(ErrorCode::corrupt, place, "",
            "storage {} has another size than the object says (expected {} elements, got {})",
            shown(text), expected, count);
  }
  stored.offset = stream.position();
  if (stored.bytes > stream.remaining()) {
    fail_at(ErrorCode::corrupt, place, kTruncated,
            "storage {} ends too early (expected {} bytes, got {})", shown(text), stored.bytes,
            stream.remaining());
  }
  stream.skip(stored.bytes);
  stored_.push_back(std::move(stored));
}

}  // namespace torchkeep::legacy
