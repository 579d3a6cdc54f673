#include "format/legacy/write.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/byte_reader.h"
#include "format/legacy/header.h"
#include "format/pickle/encode.h"
#include "format/pt/tensor_codec.h"

namespace torchkeep::legacy {
namespace {

constexpr std::size_t kGatheredBytes = std::size_t{64} << 10;

std::uint64_t count_elements_of(const Storage& storage) {
  const std::uint64_t item =
      storage.dtype() ? static_cast<std::uint64_t>(item_bytes(*storage.dtype())) : 1;
  return storage.size_bytes() / item;
}

// Small pieces are handed on together.
class Output {
 public:
  explicit Output(const Sink& sink) : sink_(sink) {}

  void put(std::span<const std::byte> bytes) {
    if (bytes.size() > kGatheredBytes) {
      flush();
      return sink_(bytes);
    }
    pending_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (pending_.size() > kGatheredBytes) flush();
  }
  void put(std::string_view text) { put(std::as_bytes(std::span(text))); }

  void flush() {
    if (!pending_.empty()) sink_(std::as_bytes(std::span(pending_)));
    pending_.clear();
  }

 private:
  const Sink& sink_;
  std::string pending_;
};

}  // namespace

void write(const Value& value,
           const std::filesystem::path& /*path*/,
           const SaveOptions& options,
           const Sink& sink) {
  pt::TensorEncoder tensors(pt::StorageRanges::to_write(value, options.storages),
                            pt::TensorEncoder::StorageIds::with_view);
  const std::string object = pickle::encode(value, tensors.hooks());
  std::vector<std::pair<std::string, const Storage*>> sorted;  // as text: 0, 1, 10, 11, 2, ...
  for (const Storage& storage : tensors.storages()) {
    sorted.emplace_back(std::to_string(sorted.size()), &storage);
  }
  std::ranges::sort(sorted);
  List keys;
  for (const auto& [key, storage] : sorted) keys.emplace_back(key);

  Output output(sink);
  output.put(encode_header());
  output.put(object);
  output.put(pickle::encode(keys));
  for (const auto& [key, storage] : sorted) {
    std::string count;
    append_number(count, count_elements_of(*storage));
    output.put(count);
    output.put(storage->bytes());
  }
  output.flush();
}

}  // namespace torchkeep::legacy
