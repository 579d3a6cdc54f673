#include "format/pt/write.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "base/fail.h"
#include "format/pickle/encode.h"
#include "format/pt/root_name.h"
#include "format/pt/serialization_id.h"
#include "format/pt/tensor_codec.h"

namespace torchkeep::pt {
namespace {

using Storages = std::vector<Storage>;

void add_storages_in_numeric_order(zip::Writer& writer, const Storages& storages) {
  for (std::size_t key = 0; key < storages.size(); ++key) {
    writer.add(fmt::format("data/{}", key), storages[key].bytes());
  }
}

// 0, 1, 10, 11, 2, ...
void add_storages_in_text_order(zip::Writer& writer, const Storages& storages) {
  std::vector<std::pair<std::string, const Storage*>> sorted;
  for (std::size_t key = 0; key < storages.size(); ++key) {
    sorted.emplace_back(std::to_string(key), &storages[key]);
  }
  std::ranges::sort(sorted);
  for (const auto& [key, storage] : sorted) writer.add("data/" + key, storage->bytes());
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
  write(value, options.layout, choose_root(path, options), sink);
}

void write(const Value& value, Layout layout, std::string root, zip::Writer::Sink sink) {
  TensorEncoder tensors;
  const std::string encoded = pickle::encode(value, tensors.hooks());
  zip::Writer writer(std::move(sink), std::move(root));
  writer.add("data.pkl", encoded);
  if (layout == Layout::latest) {
    writer.add(".format_version", "1");
    writer.add(".storage_alignment", "64");
    writer.add("byteorder", "little");
    add_storages_in_numeric_order(writer, tensors.storages());
  } else {
    add_storages_in_text_order(writer, tensors.storages());
  }
  writer.add("version", "3\n");
  if (layout == Layout::latest) {
    writer.add(".data/serialization_id", serialization_id(writer.entries()));
  }
  writer.finish();
}

}  // namespace torchkeep::pt
