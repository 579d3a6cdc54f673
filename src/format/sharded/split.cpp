#include "format/sharded/split.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

namespace torchkeep::sharded {
namespace {

constexpr std::string_view kBetween = "-of-";
constexpr std::size_t kDigits = 5;

class Splitter {
 public:
  Splitter(std::uint64_t max_bytes, Sharing sharing) : max_bytes_(max_bytes), sharing_(sharing) {}

  void add(const NamedTensor& named) {
    const std::byte* memory =
        sharing_ == Sharing::kept ? named.tensor.storage().bytes().data() : nullptr;
    const auto known = memory == nullptr ? shard_of_.end() : shard_of_.find(memory);
    if (known != shard_of_.end()) {
      shards_[known->second].push_back(named);
      return;
    }
    const std::size_t shard =
        choose_shard(sharing_ == Sharing::kept ? named.tensor.storage().size_bytes()
                                               : named.tensor.size_bytes());
    shards_[shard].push_back(named);
    if (memory != nullptr) shard_of_.emplace(memory, shard);
  }

  Split finish() { return {std::move(shards_), total_bytes_}; }

 private:
  std::size_t choose_shard(std::uint64_t bytes) {
    total_bytes_ += bytes;
    if (bytes > max_bytes_) return open_shard();
    if (!has_current_ || current_bytes_ + bytes > max_bytes_) {
      current_ = open_shard();
      current_bytes_ = 0;
      has_current_ = true;
    }
    current_bytes_ += bytes;
    return current_;
  }

  std::size_t open_shard() {
    shards_.emplace_back();
    return shards_.size() - 1;
  }

  std::uint64_t max_bytes_;
  Sharing sharing_;
  std::vector<std::vector<NamedTensor>> shards_;
  std::unordered_map<const std::byte*, std::size_t> shard_of_;  // by the storage's memory
  std::size_t current_ = 0;                                     // the shard that is being filled
  std::uint64_t current_bytes_ = 0;
  bool has_current_ = false;
  std::uint64_t total_bytes_ = 0;
};

bool is_number(std::string_view text) {
  return text.size() >= kDigits &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Split split(const std::vector<NamedTensor>& tensors, std::uint64_t max_bytes, Sharing sharing) {
  Splitter splitter(max_bytes, sharing);
  for (const NamedTensor& named : tensors) splitter.add(named);
  return splitter.finish();
}

std::string shard_name(const std::filesystem::path& path, std::size_t number, std::size_t count) {
  return fmt::format("{}-{:0{}}{}{:0{}}{}", path.stem().string(), number, kDigits, kBetween, count,
                     kDigits, path.extension().string());
}

bool is_shard_name(const std::filesystem::path& path, const std::string& name) {
  const std::string start = path.stem().string() + "-";
  const std::string end = path.extension().string();
  if (name.size() < start.size() + end.size() || !name.starts_with(start) || !name.ends_with(end)) {
    return false;
  }
  const std::string_view numbers =
      std::string_view(name).substr(start.size(), name.size() - start.size() - end.size());
  const std::size_t between = numbers.find(kBetween);
  return between != std::string_view::npos && is_number(numbers.substr(0, between)) &&
         is_number(numbers.substr(between + kBetween.size()));
}

std::filesystem::path index_path(const std::filesystem::path& path) {
  return path.string() + ".index.json";
}

}  // namespace torchkeep::sharded
