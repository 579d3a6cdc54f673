#include "format/legacy/persistent_ids.h"

#include "base/fail.h"
#include "format/legacy/storage_view.h"

namespace torchkeep::legacy {
namespace {

constexpr std::size_t kModuleParts = 4;
constexpr std::size_t kStorageParts = 6;

bool is_tagged(const Value& id, std::string_view tag, std::size_t parts) {
  return id.is_tuple() && id.size() == parts && id[0].is_string() && id[0].as_string() == tag;
}

}  // namespace

Value PersistentIds::load(const Value& id) {
  // ('module', class, source file, source text)
  if (is_tagged(id, "module", kModuleParts) && id[1].is_object()) return id[1];
  // ('storage', class, key, location, number of elements, view)
  if (!is_tagged(id, "storage", kStorageParts)) {
    fail(ErrorCode::corrupt,
         "a reference to data outside of the pickle that is neither a storage nor a class "
         "(expected ('storage', class, key, location, number of elements, view) or ('module', "
         "class, file, text))");
  }
  const Value root = load_storage_(tuple({id[0], id[1], id[2], id[3], id[4]}));
  return id[5].is_none() ? root : load_view(root, id[5]);
}

// (key, offset, number of elements)
Value PersistentIds::load_view(const Value& root, const Value& metadata) {
  if (!metadata.is_tuple() || metadata.size() != 3 || !metadata[0].is_string()) {
    fail(ErrorCode::corrupt, "a view of a storage that is no (key, offset, number of elements)");
  }
  const std::string& key = metadata[0].as_string();
  Storage storage = view_of(root.as_storage(), metadata[1], metadata[2]);
  const auto known = views_.find(key);
  if (known == views_.end()) {
    return views_.emplace(key, View{root, std::move(storage)}).first->second.storage;
  }
  const Storage& first = known->second.storage.as_storage();
  if (known->second.root.identity() != root.identity() ||
      first.bytes().data() != storage.bytes().data() ||
      first.size_bytes() != storage.size_bytes()) {
    fail(ErrorCode::corrupt, "the view {} of a storage is described in two ways", key);
  }
  return known->second.storage;
}

}  // namespace torchkeep::legacy
