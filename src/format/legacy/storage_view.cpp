#include "format/legacy/storage_view.h"

#include <memory>

#include "base/fail.h"

namespace torchkeep::legacy {

Storage view_of(const Storage& root, const Value& offset, const Value& count) {
  if (!offset.is_int() || !count.is_int()) {
    fail(ErrorCode::corrupt, "a view of a storage whose offset and size are no numbers");
  }
  const std::int64_t item = root.dtype() ? item_bytes(*root.dtype()) : 1;
  const auto items = static_cast<std::int64_t>(root.size_bytes()) / item;
  const std::int64_t first = offset.as_int();
  const std::int64_t size = count.as_int();
  if (first < 0 || size < 0 || first > items || size > items - first) {
    fail(ErrorCode::corrupt,
         "a view of a storage leaves it (expected at most {} elements, got {} from element {} on)",
         items, size, first);
  }
  std::byte* data = root.mutable_bytes().data();
  if (data != nullptr) data += first * item;
  return Storage(data, static_cast<std::uint64_t>(size * item),
                 std::make_shared<const Storage>(root), root.dtype(), root.location());
}

}  // namespace torchkeep::legacy
