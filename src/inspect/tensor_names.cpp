#include "inspect/tensor_names.h"

#include <utility>

#include "base/fail.h"
#include "data/leaves.h"
#include "format/pt/loose_storages.h"

namespace torchkeep::inspection {
namespace {

using Entry = pt::LooseStorages::Entry;
using NamesOfStorages = std::map<const Entry*, std::vector<std::string>>;

NamesOfStorages name_storages(const Value& value,
                              const pt::LooseStorages& storages,
                              const Limits& limits) {
  NamesOfStorages names;
  std::uint64_t left = limits.max_summary_bytes;
  visit_leaves(value, [&](const std::string& name, const Value& leaf) {
    const std::uint64_t needed = name.size() + sizeof(std::string);
    if (needed > left) fail(ErrorCode::unsafe, "the names of all tensors are too long");
    left -= needed;
    const Entry* entry = leaf.is_tensor()    ? storages.find(leaf.as_tensor().storage())
                         : leaf.is_storage() ? storages.find(leaf.as_storage())
                                             : nullptr;
    if (entry != nullptr) names[entry].push_back(name);
  });
  return names;
}

std::string misfit_of(const Entry& entry) {
  if (entry.record == nullptr) return "the record of the storage is missing";
  const zip::Salvaged& record = *entry.record;
  const bool is_whole = record.is_complete && record.size_is_known;
  if (!is_whole || record.record.bytes == entry.storage.size_bytes()) return {};
  return fmt::format("the record has another size than its storage (expected {} bytes, got {})",
                     entry.storage.size_bytes(), record.record.bytes);
}

}  // namespace

TensorNames find_tensor_names(std::span<const std::byte> file,
                              const zip::Salvage& archive,
                              const Limits& limits) {
  TensorNames result;
  const zip::Salvaged* pickle = archive.find("data.pkl");
  if (pickle == nullptr) return result;
  pt::LooseStorages storages(archive, file.size());
  try {
    const zip::Content content = zip::content_of(file, pickle->record, limits.max_pickle_bytes);
    const pickle::Decoded decoded = storages.decode(content.bytes, limits);
    NamesOfStorages names = name_storages(decoded.value, storages, limits);
    for (const Entry& entry : storages.entries()) {
      const std::string problem = misfit_of(entry);
      if (!problem.empty()) {
        result.misfits.push_back({"data/" + entry.key, names[&entry], problem, entry.record});
      }
      if (entry.record == nullptr) continue;
      std::vector<std::string>& of_record = result.by_record[entry.record];
      of_record.insert(of_record.end(), names[&entry].begin(), names[&entry].end());
    }
  } catch (const Error& error) {
    result.pickle_error = error;
  }
  return result;
}

}  // namespace torchkeep::inspection
