#include "format/legacy/read.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/fail.h"
#include "format/legacy/header.h"
#include "format/legacy/persistent_ids.h"
#include "format/legacy/section_storages.h"
#include "format/legacy/storage_table.h"
#include "format/pickle/stream.h"
#include "format/pt/tensor_codec.h"
#include "io/checksum.h"
#include "io/section.h"

namespace torchkeep::legacy {
namespace {

constexpr std::size_t kMagicBytes = 32;  // at most
constexpr std::uint64_t kPieceBytes = std::uint64_t{4} << 20;

const zip::Record* only_record(const Probe& probe) {
  const zip::Reader* archive = probe.archive();
  if (archive == nullptr || archive->records().size() != 1) return nullptr;
  return &archive->records().front();
}

bool record_begins_with_magic(const zip::Reader& archive, const zip::Record& record) {
  std::string head(static_cast<std::size_t>(std::min<std::uint64_t>(record.bytes, kMagicBytes)),
                   '\0');
  const auto bytes = std::as_writable_bytes(std::span(head));
  if (record.method == zip::Method::stored) {
    archive.file().read(record.data_offset, bytes);
  } else {
    const std::vector<std::byte> content = archive.read(record);
    std::ranges::copy(std::span(content).first(head.size()), bytes.begin());
  }
  return begins_with_magic(head);
}

// Reads the section once, a piece at a time.
void check_checksum(const zip::Record& record, const io::Section& section) {
  std::uint32_t crc32 = 0;
  std::vector<std::byte> piece(static_cast<std::size_t>(std::min(section.size(), kPieceBytes)));
  for (std::uint64_t done = 0; done < section.size(); done += piece.size()) {
    piece.resize(static_cast<std::size_t>(std::min(section.size() - done, kPieceBytes)));
    section.read(done, piece);
    crc32 = io::crc32(piece, crc32);
  }
  zip::check_checksum(record, crc32);
}

// The file, or the record that is one. A compressed record is inflated into memory.
io::Section content_of(const Probe& probe, const LoadOptions& options) {
  const zip::Record* record = only_record(probe);
  if (record == nullptr) return io::Section(probe.file());
  const bool verify = options.verify != Verify::nothing;
  if (record->method != zip::Method::stored) {
    return io::Section(
        probe.archive()->read(*record, verify ? zip::Checksum::verify : zip::Checksum::ignore));
  }
  const io::Section section(probe.file(), record->data_offset, record->bytes);
  const bool reads_all = options.access == Access::read || options.verify == Verify::everything;
  if (verify && reads_all) check_checksum(*record, section);
  return section;
}

// The object is decoded twice: which storages it has must be known to find their bytes, which
// stand behind it, and where those are must be known to build tensors.
class Reader {
 public:
  Reader(const io::Section& section, const LoadOptions& options)
      : section_(section), options_(options), stream_(section, options.limits) {}

  Loaded run() {
    const CountOrder order = read_header(stream_);
    const std::uint64_t object = stream_.position();
    declare_storages();
    const Value keys = stream_.next_pickle().value;
    table_.locate(keys, stream_, order);
    stream_.seek(object);
    const SectionStorages storages(section_, table_.stored(), options_);
    pt::TensorDecoder tensors([&](const std::string& key, std::optional<DType>, const std::string&,
                                  std::uint64_t) { return storages.storages()[table_.index(key)]; },
                              options_.limits);
    Value value = build(tensors);
    storages.fill();
    tensors.check_contents();
    return {.value = std::move(value), .globals = stream_.globals()};
  }

 private:
  void declare_storages() {
    pt::TensorDecoder tensors(
        [this](const std::string& key, std::optional<DType> dtype, const std::string& location,
               std::uint64_t bytes) {
          table_.declare(key, {0, bytes, dtype, location});
          return Storage(nullptr, bytes, nullptr, dtype, location);
        },
        options_.limits);
    const pickle::DecodeHooks hooks = tensors.hooks();
    PersistentIds ids(hooks.persistent_load);
    stream_.next_pickle(
        {.persistent_load = [&ids](const Value& id) { return ids.load(id); }, .build = nullptr});
  }

  Value build(pt::TensorDecoder& tensors) {
    pickle::DecodeHooks hooks = tensors.hooks();
    PersistentIds ids(std::move(hooks.persistent_load));
    hooks.persistent_load = [&ids](const Value& id) { return ids.load(id); };
    return stream_.next_pickle(hooks).value;
  }

  const io::Section& section_;
  const LoadOptions& options_;
  pickle::Stream stream_;
  StorageTable table_;
};

}  // namespace

bool recognises(const Probe& probe) {
  if (begins_with_magic(probe.head())) return true;
  const zip::Record* record = only_record(probe);
  return record != nullptr && record_begins_with_magic(*probe.archive(), *record);
}

Loaded read(const Probe& probe, const LoadOptions& options) {
  const io::Section section = content_of(probe, options);
  try {
    return Reader(section, options).run();
  } catch (Error& error) {
    if (const zip::Record* record = only_record(probe)) error.add_place({.record = record->name});
    throw;
  }
}

}  // namespace torchkeep::legacy
