#include <algorithm>
#include <map>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "data/match_compare.h"
#include "data/match_renaming.h"

namespace torchkeep {
namespace {

// Endings that more names of the model share, such as `weight`, say nothing about the place.
constexpr std::size_t kMaxPlaces = 16;
constexpr std::size_t kMaxAlternatives = 3;

// Where the components of a name begin: for "a.b.c" 0, 2 and 4.
std::vector<std::size_t> component_starts(std::string_view name) {
  std::vector<std::size_t> starts = {0};
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '.') starts.push_back(i + 1);
  }
  return starts;
}

// How many names are below each prefix.
class PrefixCounts {
 public:
  void add(std::string_view name) {
    for (const std::size_t start : component_starts(name)) ++counts_[name.substr(0, start)];
  }
  std::size_t below(std::string_view prefix) const { return counts_.at(prefix); }

 private:
  std::unordered_map<std::string_view, std::size_t> counts_;
};

struct Pair {
  std::size_t offered;
  std::size_t wanted;
};

struct Candidate {
  std::string_view from;
  std::string_view to;
  std::vector<Pair> pairs;  // what the rename would bring to its place
  bool is_contested = false;

  PrefixRename rename() const { return {std::string(from), std::string(to)}; }
};

class BlockFinder {
 public:
  BlockFinder(const std::vector<TensorForm>& expected,
              const StateDict& found,
              const LoadReport& report) {
    const std::unordered_set<std::string_view> loaded(report.loaded_keys.begin(),
                                                      report.loaded_keys.end());
    for (const TensorForm& form : expected) {
      if (loaded.contains(form.name)) continue;
      wanted_.push_back(&form);
      wanted_counts_.add(form.name);
    }
    for (const StateDict::Entry& entry : found) {
      if (loaded.contains(entry.name)) continue;
      offered_.push_back(&entry);
      offered_counts_.add(entry.name);
    }
  }

  std::vector<Renaming> find() {
    collect();
    std::erase_if(candidates_, [this](const Candidate& each) { return !is_plausible(each); });
    std::stable_sort(candidates_.begin(), candidates_.end(),
                     [](const Candidate& a, const Candidate& b) {
                       return std::pair(b.pairs.size(), a.from.size()) <
                              std::pair(a.pairs.size(), b.from.size());
                     });
    mark_contested();
    std::vector<Renaming> result;
    if (Renaming certain = choose_certain(); !certain.empty()) result.push_back(std::move(certain));
    for (const Candidate& each : candidates_) {
      if (each.is_contested && each.to.empty() && result.size() <= kMaxAlternatives) {
        result.push_back({each.rename()});
      }
    }
    return result;
  }

 private:
  // Each tensor of the file proposes the places whose names end as its own does, for the longest
  // ending that has a place of its form.
  void collect() {
    std::unordered_map<std::string_view, std::vector<std::size_t>> places;
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      const std::string_view name = wanted_[i]->name;
      for (const std::size_t start : component_starts(name)) {
        places[name.substr(start)].push_back(i);
      }
    }
    std::map<std::pair<std::string_view, std::string_view>, std::size_t> candidate_of;
    for (std::size_t i = 0; i < offered_.size(); ++i) {
      const std::string_view name = offered_[i]->name;
      for (const std::size_t start : component_starts(name)) {
        const auto found = places.find(name.substr(start));
        if (found == places.end() || found->second.size() > kMaxPlaces) continue;
        bool any = false;
        for (const std::size_t place : found->second) {
          if (!is_loadable(*wanted_[place], offered_[i]->tensor)) continue;
          any = true;
          const std::string_view wanted = wanted_[place]->name;
          const std::string_view to = wanted.substr(0, wanted.size() - (name.size() - start));
          const auto [index, is_new] =
              candidate_of.try_emplace({name.substr(0, start), to}, candidates_.size());
          if (is_new) candidates_.push_back({name.substr(0, start), to, {}});
          candidates_[index->second].pairs.push_back({i, place});
        }
        if (any) break;
      }
    }
  }

  bool is_plausible(const Candidate& candidate) const {
    return 2 * candidate.pairs.size() >
           std::min(offered_counts_.below(candidate.from), wanted_counts_.below(candidate.to));
  }

  // A candidate is contested by another one that is as large and concerns the same tensors.
  void mark_contested() {
    std::vector<std::vector<std::size_t>> by_offered(offered_.size());
    std::vector<std::vector<std::size_t>> by_wanted(wanted_.size());
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      for (const Pair& pair : candidates_[i].pairs) {
        by_offered[pair.offered].push_back(i);
        by_wanted[pair.wanted].push_back(i);
      }
    }
    const auto is_rival = [this](std::size_t a, std::size_t b) {
      return a != b && candidates_[a].pairs.size() == candidates_[b].pairs.size();
    };
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      for (const Pair& pair : candidates_[i].pairs) {
        for (const auto* users : {&by_offered[pair.offered], &by_wanted[pair.wanted]}) {
          candidates_[i].is_contested |= std::any_of(
              users->begin(), users->end(), [&](std::size_t other) { return is_rival(i, other); });
        }
      }
    }
  }

  // The largest first; what one has taken is no longer there for the next ones.
  Renaming choose_certain() const {
    std::vector<bool> is_offered_taken(offered_.size());
    std::vector<bool> is_wanted_taken(wanted_.size());
    std::unordered_set<std::string_view> renamed_prefixes;
    Renaming renaming;
    for (const Candidate& each : candidates_) {
      if (each.is_contested || renamed_prefixes.contains(each.from)) continue;
      const auto free = std::count_if(each.pairs.begin(), each.pairs.end(), [&](const Pair& pair) {
        return !is_offered_taken[pair.offered] && !is_wanted_taken[pair.wanted];
      });
      if (2 * static_cast<std::size_t>(free) <= each.pairs.size()) continue;
      for (const Pair& pair : each.pairs) {
        is_offered_taken[pair.offered] = true;
        is_wanted_taken[pair.wanted] = true;
      }
      renamed_prefixes.insert(each.from);
      renaming.push_back(each.rename());
    }
    return renaming;
  }

  std::vector<const TensorForm*> wanted_;         // places of the model where nothing fits
  std::vector<const StateDict::Entry*> offered_;  // tensors of the file that fit nowhere
  PrefixCounts wanted_counts_;
  PrefixCounts offered_counts_;
  std::vector<Candidate> candidates_;
};

}  // namespace

std::vector<Renaming> find_renamed_blocks(const std::vector<TensorForm>& expected,
                                          const StateDict& found,
                                          const LoadReport& report) {
  return BlockFinder(expected, found, report).find();
}

}  // namespace torchkeep
