#include "support/power_cut.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace torchkeep::testing {
namespace {

using Kind = DiskOperation::Kind;

constexpr std::size_t kMostDroppedWrites = 3;
constexpr std::array<std::size_t, 2> kTearUnits = {512, 4096};
constexpr std::size_t kNone = static_cast<std::size_t>(-1);

// How one power cut treats what is unsafe.
struct Damage {
  std::vector<std::size_t> dropped;  // operations, in ascending order
  std::size_t torn = kNone;          // a write of which only the first bytes are there
  std::size_t torn_bytes = 0;
  enum class Gap { zeros, missing };  // what is where a dropped write would have made a file longer
  Gap gap = Gap::zeros;
};

// The disk after the first operations of a trace.
class Disk {
 public:
  Disk(const DiskTrace& trace, std::size_t operations) : trace_(trace), count_(operations) {
    for (std::size_t i = 0; i < count_; ++i) note_safety(i);
  }

  const std::vector<std::size_t>& unsafe_entries() const { return unsafe_entries_; }

  // Of files that have a visible name once `dropped` entries are gone; nobody sees the others.
  std::vector<std::size_t> visible_unsafe_writes(const std::vector<std::size_t>& dropped) const {
    std::set<std::size_t> visible;
    for (const auto& [name, file] : names(dropped)) {
      if (!name.starts_with(".") && file != kNone) visible.insert(file);
    }
    std::vector<std::size_t> writes;
    for (const std::size_t i : unsafe_writes_) {
      if (visible.contains(trace_.operations[i].file)) writes.push_back(i);
    }
    return writes;
  }

  std::size_t unsafe_writes() const { return unsafe_writes_.size(); }

  CrashState state(const Damage& damage) const {
    CrashState state;
    for (const auto& [name, file] : names(damage.dropped)) {
      if (name.starts_with(".")) continue;
      state.files[name] = file == kNone ? trace_.before.at(name) : content(file, damage);
    }
    for (std::size_t i = 0; i < count_; ++i) {
      const DiskOperation& operation = trace_.operations[i];
      if (operation.kind == Kind::acknowledge) state.acknowledged = operation.acknowledged;
    }
    return state;
  }

 private:
  void note_safety(std::size_t i) {
    const DiskOperation& operation = trace_.operations[i];
    switch (operation.kind) {
      case Kind::write:
        unsafe_writes_.push_back(i);
        break;
      case Kind::sync_file:
        std::erase_if(unsafe_writes_, [&](std::size_t write) {
          return trace_.operations[write].file == operation.file;
        });
        break;
      case Kind::create:
      case Kind::rename:
      case Kind::remove:
        unsafe_entries_.push_back(i);
        break;
      case Kind::sync_directory:
        unsafe_entries_.clear();
        break;
      case Kind::acknowledge:
        break;
    }
  }

  // The file behind each name; kNone for one that has been there from the beginning. A rename puts
  // its file there even if the entry that it renames was lost.
  std::map<std::string, std::size_t> names(const std::vector<std::size_t>& dropped) const {
    std::map<std::string, std::size_t> all;  // had nothing been dropped
    std::map<std::string, std::size_t> found;
    for (const auto& [name, content] : trace_.before) all[name] = found[name] = kNone;
    for (std::size_t i = 0; i < count_; ++i) {
      const DiskOperation& operation = trace_.operations[i];
      const bool applies = !std::binary_search(dropped.begin(), dropped.end(), i);
      if (operation.kind == Kind::create) {
        all[operation.name] = operation.file;
        if (applies) found[operation.name] = operation.file;
      } else if (operation.kind == Kind::remove) {
        all.erase(operation.name);
        if (applies) found.erase(operation.name);
      } else if (operation.kind == Kind::rename) {
        const std::size_t file = all.at(operation.name);
        all.erase(operation.name);
        all[operation.new_name] = file;
        if (applies) found.erase(operation.name);
        if (applies) found[operation.new_name] = file;
      }
    }
    return found;
  }

  std::string content(std::size_t file, const Damage& damage) const {
    std::string bytes;
    for (std::size_t i = 0; i < count_; ++i) {
      const DiskOperation& operation = trace_.operations[i];
      if (operation.kind != Kind::write || operation.file != file) continue;
      const std::size_t end = static_cast<std::size_t>(operation.offset) + operation.data.size();
      if (std::binary_search(damage.dropped.begin(), damage.dropped.end(), i)) {
        if (damage.gap == Damage::Gap::zeros) bytes.resize(std::max(bytes.size(), end));
        continue;
      }
      bytes.resize(std::max(bytes.size(), end));
      const std::size_t kept = i == damage.torn ? damage.torn_bytes : operation.data.size();
      std::copy_n(operation.data.begin(), kept,
                  bytes.begin() + static_cast<std::ptrdiff_t>(operation.offset));
    }
    return bytes;
  }

  const DiskTrace& trace_;
  std::size_t count_;
  std::vector<std::size_t> unsafe_writes_;
  std::vector<std::size_t> unsafe_entries_;
};

// Calls `visit` with every subset of at most `most` of the items, until it returns false.
bool for_each_subset(const std::vector<std::size_t>& items,
                     std::size_t most,
                     const std::function<bool(const std::vector<std::size_t>&)>& visit,
                     std::vector<std::size_t>& chosen,
                     std::size_t first = 0) {
  if (!visit(chosen)) return false;
  if (chosen.size() == most) return true;
  for (std::size_t i = first; i < items.size(); ++i) {
    chosen.push_back(items[i]);
    const bool goes_on = for_each_subset(items, most, visit, chosen, i + 1);
    chosen.pop_back();
    if (!goes_on) return false;
  }
  return true;
}

std::uint64_t subsets_of_at_most_three(std::uint64_t n) {
  return 1 + n + n * (n - 1) / 2 + n * (n - 1) * (n - 2) / 6;
}

class Enumeration {
 public:
  Enumeration(const DiskTrace& trace, const std::function<bool(const CrashState&)>& visit)
      : trace_(trace), visit_(visit) {}

  CrashCounts run() {
    for (std::size_t count = 0; count <= trace_.operations.size(); ++count) {
      const Disk disk(trace_, count);
      std::vector<std::size_t> chosen;
      const auto with_entries = [&](const std::vector<std::size_t>& lost) {
        return with_lost_entries(disk, lost);
      };
      if (!for_each_subset(disk.unsafe_entries(), disk.unsafe_entries().size(), with_entries,
                           chosen)) {
        break;
      }
    }
    return counts_;
  }

 private:
  bool with_lost_entries(const Disk& disk, const std::vector<std::size_t>& lost) {
    const std::vector<std::size_t> writes = disk.visible_unsafe_writes(lost);
    // Writes to files that nobody sees make states that look the same: they are only counted.
    counts_.states += subsets_of_at_most_three(disk.unsafe_writes()) - 1;
    std::vector<std::size_t> chosen;
    const auto with_writes = [&](const std::vector<std::size_t>& dropped) {
      Damage damage{.dropped = lost};
      damage.dropped.insert(damage.dropped.end(), dropped.begin(), dropped.end());
      std::sort(damage.dropped.begin(), damage.dropped.end());
      if (!visit_new(disk.state(damage))) return false;
      if (dropped.empty()) return true;
      damage.gap = Damage::Gap::missing;
      return visit_new(disk.state(damage));
    };
    return for_each_subset(writes, kMostDroppedWrites, with_writes, chosen) &&
           with_torn_writes(disk, lost, writes);
  }

  bool with_torn_writes(const Disk& disk,
                        const std::vector<std::size_t>& lost,
                        const std::vector<std::size_t>& writes) {
    for (const std::size_t write : writes) {
      for (const std::size_t unit : kTearUnits) {
        for (std::size_t kept = unit; kept < trace_.operations[write].data.size(); kept += unit) {
          const Damage damage{.dropped = lost, .torn = write, .torn_bytes = kept};
          if (!visit_new(disk.state(damage))) return false;
        }
      }
    }
    return true;
  }

  bool visit_new(const CrashState& state) {
    ++counts_.states;
    std::size_t hash = std::hash<std::int64_t>()(state.acknowledged);
    for (const auto& [name, content] : state.files) {
      hash = hash * 1000003 + std::hash<std::string>()(name);
      hash = hash * 1000003 + std::hash<std::string>()(content);
    }
    if (!seen_.insert(hash).second) return true;
    ++counts_.distinct;
    return visit_(state);
  }

  const DiskTrace& trace_;
  const std::function<bool(const CrashState&)>& visit_;
  std::set<std::size_t> seen_;
  CrashCounts counts_;
};

}  // namespace

CrashCounts for_each_crash(const DiskTrace& trace,
                           const std::function<bool(const CrashState&)>& visit) {
  return Enumeration(trace, visit).run();
}

}  // namespace torchkeep::testing
