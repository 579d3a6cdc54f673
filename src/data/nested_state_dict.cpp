#include "data/nested_state_dict.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "data/match_compare.h"

namespace torchkeep {
namespace {

constexpr int kMaxDepth = 4;
constexpr std::size_t kMaxNamed = 3;

bool is_state_dict(const Value& value) {
  return value.is_dict() && !value.as_dict().empty() &&
         std::all_of(value.as_dict().begin(), value.as_dict().end(), [](const Dict::Entry& entry) {
           return entry.first.is_string() && entry.second.is_tensor();
         });
}

struct Nested {
  std::string path;  // `["model"]["state_dict"]`
  std::size_t fitting = 0;
};

class Finder {
 public:
  explicit Finder(const std::vector<TensorForm>& expected) : expected_(expected) {}

  void search_below(const Value& value, const std::string& path, int depth) {
    for (const auto& [key, below] : value.as_dict()) {
      if (!key.is_string() || !below.is_dict() || !seen_.insert(below.identity()).second) continue;
      const std::string below_path = fmt::format("{}[\"{}\"]", path, key.as_string());
      if (is_state_dict(below)) {
        add(below.as_state_dict(), below_path);
      } else if (depth < kMaxDepth) {
        search_below(below, below_path, depth + 1);
      }
    }
  }

  std::string advice() {
    std::stable_sort(found_.begin(), found_.end(),
                     [](const Nested& a, const Nested& b) { return a.fitting > b.fitting; });
    std::string text;
    for (std::size_t i = 0; i < std::min(found_.size(), kMaxNamed); ++i) {
      const Nested& nested = found_[i];
      text += fmt::format("{}{}, where {} of {} keys match", i == 0 ? "pass value" : ", or value",
                          nested.path, nested.fitting, expected_.size());
    }
    return text;
  }

 private:
  void add(const StateDict& state_dict, std::string path) {
    const auto fitting =
        std::count_if(expected_.begin(), expected_.end(), [&](const TensorForm& form) {
          const Tensor* tensor = state_dict.find(form.name);
          return tensor && is_loadable(form, *tensor);
        });
    found_.push_back({std::move(path), static_cast<std::size_t>(fitting)});
  }

  const std::vector<TensorForm>& expected_;
  std::unordered_set<const void*> seen_;
  std::vector<Nested> found_;
};

}  // namespace

StateDict state_dict_in(const Value& value, const std::vector<TensorForm>& expected) {
  if (!value.is_dict() || value.size() == 0 || is_state_dict(value)) return value.as_state_dict();
  Finder finder(expected);
  finder.search_below(value, "", 1);
  const std::string advice = finder.advice();
  if (advice.empty()) return value.as_state_dict();
  for (const auto& [key, held] : value.as_dict()) {
    if (key.is_string() && held.is_tensor()) continue;
    throw Error(ErrorCode::mismatch,
                fmt::format("the value is not a state dict, but holds one (key {} is of kind {})",
                            to_string(key), name(held.kind())),
                {}, advice);
  }
  return value.as_state_dict();
}

}  // namespace torchkeep
