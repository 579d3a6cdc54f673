#include "data/match_suggestions.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/similar.h"
#include "data/match_compare.h"
#include "data/match_renaming.h"

namespace torchkeep {
namespace {

constexpr std::size_t kMaxNamed = 8;
// Comparing names letter by letter costs the product of these two.
constexpr std::size_t kMaxMissing = 16;
constexpr std::size_t kMaxUnexpected = 64;

// A renaming and what the comparison says after it.
struct Trial {
  Renaming renaming;
  LoadReport report;
};

std::string count_text(std::size_t matching, const std::vector<TensorForm>& expected) {
  return fmt::format("{} of {} keys would match", matching, expected.size());
}

// A remedy that mends less than half of what could be mended is an accident.
bool is_worthwhile(const LoadReport& before, const LoadReport& after) {
  const std::size_t wanted = before.missing_keys.size() + before.mismatched_keys.size();
  const std::size_t offered = before.unexpected_keys.size() + before.mismatched_keys.size();
  return after.loaded_keys.size() > before.loaded_keys.size() &&
         2 * (after.loaded_keys.size() - before.loaded_keys.size()) >= std::min(wanted, offered);
}

std::vector<Trial> try_renamings(const std::vector<TensorForm>& expected,
                                 const StateDict& found,
                                 const LoadReport& report) {
  std::vector<Renaming> renamings = find_renamed_blocks(expected, found, report);
  renamings.insert(renamings.begin(), find_renumbered_lists(expected, found));
  std::vector<Trial> trials;
  for (Renaming& renaming : renamings) {
    if (renaming.empty()) continue;
    LoadReport after = compare(expected, renamed(found, renaming));
    if (is_worthwhile(report, after)) trials.push_back({std::move(renaming), std::move(after)});
  }
  std::stable_sort(trials.begin(), trials.end(), [](const Trial& a, const Trial& b) {
    return a.report.loaded_keys.size() > b.report.loaded_keys.size();
  });
  // Besides the best one, only prefixes to strip are choices that somebody may want.
  const auto is_choice = [](const Trial& trial) {
    return trial.renaming.size() == 1 && trial.renaming[0].to.empty();
  };
  if (!trials.empty()) {
    trials.erase(std::remove_if(trials.begin() + 1, trials.end(),
                                [&](const Trial& trial) { return !is_choice(trial); }),
                 trials.end());
  }
  return trials;
}

std::string renaming_text(const Renaming& renaming) {
  if (renaming.size() == 1 && renaming[0].to.empty()) {
    return fmt::format("strip the prefix '{0}' with without_prefix(\"{0}\")", renaming[0].from);
  }
  if (renaming.size() == 1 && renaming[0].from.empty()) {
    return fmt::format("add the prefix '{}' to the names of the state dict", renaming[0].to);
  }
  std::string text = "rename";
  for (std::size_t i = 0; i < std::min(renaming.size(), kMaxNamed); ++i) {
    text += fmt::format("{} '{}' to '{}'", i == 0 ? "" : ",", renaming[i].from, renaming[i].to);
  }
  if (renaming.size() > kMaxNamed) text += fmt::format(" and {} more", renaming.size() - kMaxNamed);
  return text + " in the state dict";
}

std::string_view module_of(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
}

// The module of the last Linear, which is what replace_head() replaces.
std::optional<std::string_view> head_of(const std::vector<TensorForm>& expected) {
  for (auto form = expected.rbegin(); form != expected.rend(); ++form) {
    if (form->name.ends_with("weight") && form->shape.size() == 2) return module_of(form->name);
  }
  return std::nullopt;
}

bool differs_only_in_first_dimension(const MismatchedKey& key) {
  const Shape& expected = key.expected.shape;
  const Shape& found = key.found.shape;
  return !expected.empty() && expected.size() == found.size() && expected[0] != found[0] &&
         std::equal(expected.begin() + 1, expected.end(), found.begin() + 1);
}

// For the case that all that does not fit is as long or as short as some layer's outputs.
std::optional<std::string> suggest_other_size(const std::vector<TensorForm>& expected,
                                              const LoadReport& report) {
  const std::vector<MismatchedKey>& keys = report.mismatched_keys;
  if (keys.empty() || report.loaded_keys.empty() ||
      !std::all_of(keys.begin(), keys.end(), differs_only_in_first_dimension)) {
    return std::nullopt;
  }
  std::set<std::string_view> modules;
  std::set<std::int64_t> sizes;
  for (const MismatchedKey& key : keys) {
    modules.insert(module_of(key.name));
    sizes.insert(key.found.shape[0]);
  }
  if (modules.size() != 1 || sizes.size() != 1) return std::nullopt;
  const std::string leave_out =
      fmt::format("ignore_mismatched_sizes loads the others and leaves '{}' as it is, {}",
                  *modules.begin(), count_text(report.loaded_keys.size(), expected));
  if (head_of(expected) != *modules.begin()) return leave_out;
  return fmt::format(
      "the head '{}' has another size: after replace_head(model, {}), {}; or "
      "ignore_mismatched_sizes loads the others and leaves the head as it is",
      *modules.begin(), *sizes.begin(),
      count_text(report.loaded_keys.size() + keys.size(), expected));
}

std::string_view last_component(std::string_view name) { return name.substr(name.rfind('.') + 1); }

// The only tensor of the file that fits and has a similar name with another end: for names with
// the same end see find_renamed_blocks().
std::optional<std::string> only_similar(const TensorForm& form,
                                        const StateDict& found,
                                        const std::vector<std::string>& unexpected) {
  std::vector<std::string_view> candidates;
  for (const std::string& name : unexpected) {
    if (last_component(name) != last_component(form.name) && is_loadable(form, found[name])) {
      candidates.push_back(name);
    }
  }
  std::optional<std::string> similar = most_similar(form.name, candidates);
  if (!similar) return std::nullopt;
  std::erase(candidates, *similar);
  return most_similar(form.name, candidates) ? std::nullopt : similar;
}

std::vector<std::string> suggest_similar_names(const std::vector<TensorForm>& expected,
                                               const StateDict& found,
                                               const LoadReport& report) {
  if (report.missing_keys.size() > kMaxMissing || report.unexpected_keys.size() > kMaxUnexpected) {
    return {};
  }
  const std::set<std::string_view> missing(report.missing_keys.begin(), report.missing_keys.end());
  std::vector<std::pair<std::string, std::string>> renames;  // from, to
  std::multiset<std::string> used;
  for (const TensorForm& form : expected) {
    if (!missing.contains(form.name)) continue;
    if (auto similar = only_similar(form, found, report.unexpected_keys)) {
      used.insert(*similar);
      renames.emplace_back(std::move(*similar), form.name);
    }
  }
  std::vector<std::string> suggestions;
  for (const auto& [from, to] : renames) {
    if (used.count(from) != 1) continue;
    suggestions.push_back(fmt::format("rename '{}' to '{}' in the state dict: {}", from, to,
                                      count_text(report.loaded_keys.size() + 1, expected)));
  }
  return suggestions;
}

}  // namespace

std::vector<std::string> suggest(const std::vector<TensorForm>& expected,
                                 const StateDict& found,
                                 const LoadReport& report) {
  const std::vector<Trial> trials = try_renamings(expected, found, report);
  std::vector<std::string> suggestions;
  for (const Trial& trial : trials) {
    suggestions.push_back(renaming_text(trial.renaming) + ": " +
                          count_text(trial.report.loaded_keys.size(), expected));
  }
  const LoadReport& best = trials.empty() ? report : trials.front().report;
  if (auto suggestion = suggest_other_size(expected, best)) {
    suggestions.push_back((trials.empty() ? "" : "then ") + std::move(*suggestion));
  }
  if (trials.empty()) {
    for (std::string& each : suggest_similar_names(expected, found, report)) {
      suggestions.push_back(std::move(each));
    }
  }
  return suggestions;
}

}  // namespace torchkeep
