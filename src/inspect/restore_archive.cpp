#include "inspect/restore_archive.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/fail.h"
#include "base/printable.h"
#include "data/byte_order.h"
#include "data/leaves.h"
#include "format/pt/loose_storages.h"
#include "format/zip/check_contents.h"
#include "io/checksum.h"
#include "io/flipped_bit.h"
#include "io/memory.h"

namespace torchkeep::inspection {
namespace {

using Condition = RestoredTensor::Condition;
using zip::Salvaged;

constexpr std::string_view kDataFolder = "data/";

std::string_view name_in_root(const zip::Record& record) {
  const std::string_view name = record.name;
  return name.substr(name.find('/') + 1);
}

class Restorer {
 public:
  Restorer(const io::InputFile& file, const RepairOptions& options)
      : options_(options),
        mapped_(file),
        archive_(zip::salvage(mapped_.bytes(), options.limits)),
        storages_(archive_, file.size()) {
    const std::vector<std::optional<bool>> checked = zip::check_contents(
        file, archive_, {mapped_.bytes(), options.limits, options.threads, options.progress});
    for (std::size_t i = 0; i < checked.size(); ++i) checked_[&archive_.records[i]] = checked[i];
  }

  Restored run() {
    const Salvaged* byte_order = archive_.find("byteorder");
    is_big_endian_ = byte_order != nullptr && text_of(*byte_order) == "big";
    const Salvaged* pickle = archive_.find("data.pkl");
    if (pickle == nullptr) {
      restore_raw("data.pkl is lost");
    } else if (!decode(*pickle)) {
      restore_raw(restored_.notes.back());
    }
    return std::move(restored_);
  }

 private:
  std::string text_of(const Salvaged& salvaged) const {
    constexpr std::uint64_t kMostBytes = 64;
    const zip::Content content = zip::content_of(mapped_.bytes(), salvaged.record, kMostBytes);
    return {reinterpret_cast<const char*>(content.bytes.data()), content.bytes.size()};
  }

  // False where the pickle cannot be followed; the last note says why.
  bool decode(const Salvaged& pickle) {
    try {
      const zip::Content content =
          zip::content_of(mapped_.bytes(), pickle.record, options_.limits.max_pickle_bytes);
      std::vector<std::byte> bytes(content.bytes.begin(), content.bytes.end());
      if (mend(pickle, bytes)) checked_[&pickle] = true;
      restored_.value = storages_.decode(bytes, options_.limits).value;
    } catch (const Error& error) {
      restored_.notes.push_back("data.pkl cannot be read: " + error.problem());
      return false;
    }
    restored_.has_value = true;
    if (checked_.at(&pickle) == false) {
      restored_.notes.push_back(
          "the checksum of data.pkl differs: names, shapes and plain values may be wrong");
    }
    for (const pt::LooseStorages::Entry& entry : storages_.entries()) {
      if (entry.storage.size_bytes() > 0) {
        restored_.storages[entry.storage.bytes().data()] = fill(entry);
      }
    }
    if (archive_.find("constants.pkl") != nullptr) keep_tensors_only();
    return true;
  }

  StorageState fill(const pt::LooseStorages::Entry& entry) {
    if (entry.record == nullptr) {
      return {entry.storage.size_bytes(), Condition::lost, 0,
              "the record data/" + entry.key + " is missing"};
    }
    const zip::Record& record = entry.record->record;
    const std::uint64_t size = entry.storage.size_bytes();
    StorageState state = judge(*entry.record, size);
    const zip::Content content = zip::content_of(mapped_.bytes(), record, size);
    const std::span<std::byte> memory = entry.storage.mutable_bytes();
    state.available = content.bytes.size();
    std::ranges::copy(content.bytes, memory.begin());
    if (state.content == Condition::damaged && mend(*entry.record, memory)) {
      state.content = Condition::mended;
      state.reason = "one flipped bit of the record " + record.name + " was flipped back";
    }
    if (is_big_endian_) swap(entry.storage);
    return state;
  }

  static void swap(const Storage& storage) {
    if (!storage.dtype()) {
      fail(ErrorCode::unsupported, "the archive holds untyped bytes of a big-endian machine");
    }
    swap_byte_order(storage.mutable_bytes(), *storage.dtype());
  }

  // Flips one bit back where that gives bytes with the checksum. Only in short records: in long
  // ones other damage could look like it.
  bool mend(const Salvaged& salvaged, std::span<std::byte> bytes) const {
    constexpr std::size_t kMostBytes = std::size_t{256} << 10;
    const bool is_right_size = bytes.size() == salvaged.record.bytes && salvaged.is_complete;
    if (checked_.at(&salvaged) != false || !is_right_size || bytes.size() > kMostBytes)
      return false;
    for (const std::uint32_t checksum : salvaged.checksums) {
      const auto bit = io::find_flipped_bit(bytes.size(), io::crc32(bytes), checksum);
      if (!bit) continue;
      io::flip_bit(bytes, *bit);
      return true;
    }
    return false;
  }

  StorageState judge(const Salvaged& salvaged, std::uint64_t size) const {
    const zip::Record& record = salvaged.record;
    const std::uint64_t available = std::min(record.bytes, size);
    const std::optional<bool> checked = checked_.at(&salvaged);
    if (checked == false) {
      return {size, Condition::damaged, available,
              "the checksum of the record " + record.name + " differs"};
    }
    if (checked == true && record.bytes >= size) return {size, Condition::whole, available, ""};
    if (record.stored_bytes < size && record.method == zip::Method::stored) {
      return {
          size, Condition::unverified, available,
          fmt::format("the record {} has {} of {} bytes", record.name, record.stored_bytes, size)};
    }
    return {size, Condition::unverified, available, "there is no checksum for its bytes"};
  }

  // The objects of a script are of no use without it.
  void keep_tensors_only() {
    Dict tensors(Dict::Type::ordered);
    std::uint64_t left = options_.limits.max_summary_bytes;
    visit_leaves(restored_.value, [&](const std::string& name, const Value& leaf) {
      if (name.size() >= left) fail(ErrorCode::unsafe, "the names of all tensors are too long");
      left -= name.size();
      if (leaf.is_tensor()) tensors.set(name, leaf);
    });
    restored_.value = Value(std::move(tensors));
    restored_.notes.push_back("the code of the script is not saved: the tensors are, by name");
  }

  // Storages under their keys, as bytes.
  void restore_raw(const std::string& why) {
    Dict tensors(Dict::Type::ordered);
    io::ReservedMemory memory(mapped_.bytes().size());
    for (const Salvaged& salvaged : archive_.records) {
      const std::string_view name = name_in_root(salvaged.record);
      const bool is_copied = salvaged.record.method == zip::Method::stored;
      if (!name.starts_with(kDataFolder) || !is_copied || salvaged.record.bytes == 0) continue;
      const std::span<const std::byte> bytes =
          zip::content_of(mapped_.bytes(), salvaged.record, UINT64_MAX).bytes;
      if (bytes.empty()) continue;
      const io::ReservedMemory::Part part = memory.reserve(bytes.size());
      StorageState state = judge(salvaged, bytes.size());
      if (state.content != Condition::damaged || options_.keep_damaged) {
        std::ranges::copy(bytes, part.bytes.begin());
      }
      restored_.storages[part.bytes.data()] = std::move(state);
      tensors.set(printable(name),
                  Tensor(Storage(part.bytes.data(), bytes.size(), part.owner, DType::uint8),
                         DType::uint8, {static_cast<std::int64_t>(bytes.size())}));
    }
    restored_.notes = {why +
                       ": names, types and shapes are lost; storages are saved as bytes "
                       "under their keys"};
    restored_.has_value = !tensors.empty();
    restored_.value = Value(std::move(tensors));
  }

  const RepairOptions& options_;
  io::MappedFile mapped_;
  zip::Salvage archive_;
  std::unordered_map<const Salvaged*, std::optional<bool>> checked_;
  pt::LooseStorages storages_;
  bool is_big_endian_ = false;
  Restored restored_;
};

}  // namespace

Restored restore_archive(const Probe& probe, const RepairOptions& options) {
  return Restorer(*probe.file(), options).run();
}

}  // namespace torchkeep::inspection
