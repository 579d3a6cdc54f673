#include "format/pt/write.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/fail.h"
#include "format/pickle/encode.h"
#include "format/pt/manifest_builder.h"
#include "format/pt/root_name.h"
#include "format/pt/serialization_id.h"
#include "format/pt/tensor_codec.h"
#include "format/zip/writer.h"

namespace torchkeep::pt {
namespace {

// Adds records, and notes their checksums where they are asked for.
class Records {
 public:
  Records(zip::Writer::Sink sink, std::string root) : writer_(std::move(sink), std::move(root)) {}

  void note_checksums(const std::vector<Storage>& storages) { manifest_.emplace(storages); }

  void add(std::string_view name, std::span<const std::byte> bytes) {
    if (manifest_) manifest_->add_record(name, bytes);
    writer_.add(name, bytes);
  }
  void add(std::string_view name, std::string_view text) {
    add(name, std::as_bytes(std::span(text)));
  }

  void add_serialization_id() {
    add(".data/serialization_id", serialization_id(writer_.entries()));
  }

  void finish(const Value& value) {
    if (manifest_) {
      manifest_->add_tensors(value);
      writer_.add(kManifestRecord, manifest_->encode());
    }
    writer_.finish();
  }

 private:
  zip::Writer writer_;
  std::optional<ManifestBuilder> manifest_;
};

void add_storages_in_numeric_order(Records& records, const std::vector<Storage>& storages) {
  for (std::size_t key = 0; key < storages.size(); ++key) {
    records.add(fmt::format("data/{}", key), storages[key].bytes());
  }
}

// 0, 1, 10, 11, 2, ...
void add_storages_in_text_order(Records& records, const std::vector<Storage>& storages) {
  std::vector<std::pair<std::string, const Storage*>> sorted;
  for (std::size_t key = 0; key < storages.size(); ++key) {
    sorted.emplace_back(std::to_string(key), &storages[key]);
  }
  std::ranges::sort(sorted);
  for (const auto& [key, storage] : sorted) records.add("data/" + key, storage->bytes());
}

std::string choose_root(const std::filesystem::path& path, const SaveOptions& options) {
  if (!options.root_name) return root_name(path, options.layout);
  if (!is_root_name(*options.root_name)) {
    fail(ErrorCode::invalid_argument, "SaveOptions::root_name is no safe name of a folder: \"{}\"",
         *options.root_name);
  }
  return *options.root_name;
}

}  // namespace

void write(const Value& value,
           const std::filesystem::path& path,
           const SaveOptions& options,
           const Sink& sink) {
  TensorEncoder tensors(StorageRanges::to_write(value, options.storages));
  const std::string encoded = pickle::encode(value, tensors.hooks());
  Records records(sink, choose_root(path, options));
  if (options.manifest == Manifest::sha256) records.note_checksums(tensors.storages());
  records.add("data.pkl", encoded);
  if (options.layout == Layout::latest) {
    records.add(".format_version", "1");
    records.add(".storage_alignment", "64");
  }
  if (options.layout != Layout::torch_1_13) records.add("byteorder", "little");
  if (options.layout == Layout::latest) {
    add_storages_in_numeric_order(records, tensors.storages());
  } else {
    add_storages_in_text_order(records, tensors.storages());
  }
  records.add("version", "3\n");
  if (options.layout != Layout::torch_1_13) records.add_serialization_id();
  records.finish(value);
}

}  // namespace torchkeep::pt
