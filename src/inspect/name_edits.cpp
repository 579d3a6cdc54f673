#include "inspect/name_edits.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/fail.h"
#include "base/glob.h"
#include "base/printable.h"
#include "base/similar.h"

namespace torchkeep::inspection {
namespace {

// A tensor on its way to its new name.
struct Entry {
  std::string old_name;
  std::string name;
  Tensor tensor;
};
using Entries = std::vector<Entry>;

[[noreturn]] void fail_unused(const char* option, std::string_view text, const Entries& entries) {
  std::vector<std::string_view> names;
  for (const Entry& entry : entries) names.push_back(entry.name);
  const auto similar = most_similar(text, names);
  std::string advice = "`torchkeep inspect` lists the names";
  if (similar) {
    advice = fmt::format("did you mean '{}'?", printable(*similar));
  } else if (!names.empty()) {
    advice = fmt::format("the first name is '{}'", printable(names.front()));
  }
  fail_at(ErrorCode::not_found, {}, std::move(advice), "{} '{}' matches no tensor", option,
          printable(text));
}

bool matches_any(const std::vector<std::string>& globs, const std::string& name) {
  return std::ranges::any_of(globs,
                             [&](const std::string& glob) { return matches_glob(glob, name); });
}

void choose(const ConvertOptions& options, Entries& entries) {
  for (const std::string& glob : options.include) {
    const bool is_used = std::ranges::any_of(
        entries, [&](const Entry& entry) { return matches_glob(glob, entry.name); });
    if (!is_used) fail_unused("include", glob, entries);
  }
  std::erase_if(entries, [&](const Entry& entry) {
    const bool is_included = options.include.empty() || matches_any(options.include, entry.name);
    return !is_included || matches_any(options.exclude, entry.name);
  });
}

void strip(const ConvertOptions& options, Entries& entries) {
  for (const std::string& prefix : options.strip_prefixes) {
    bool is_used = false;
    for (Entry& entry : entries) {
      if (!entry.name.starts_with(prefix)) continue;
      entry.name.erase(0, prefix.size());
      is_used = true;
    }
    if (!is_used) fail_unused("strip-prefix", prefix, entries);
  }
}

void rename(const ConvertOptions& options, Entries& entries) {
  const auto& renamings = options.renamings;
  std::vector<bool> used(renamings.size(), false);
  for (Entry& entry : entries) {
    for (std::size_t i = 0; i < renamings.size(); ++i) {
      const auto renamed = rename_by_glob(renamings[i].first, renamings[i].second, entry.name);
      if (!renamed) continue;
      entry.name = *renamed;
      used[i] = true;
      break;
    }
  }
  for (std::size_t i = 0; i < renamings.size(); ++i) {
    if (!used[i]) fail_unused("rename", renamings[i].first, entries);
  }
}

// The path of the module that a tensor belongs to; empty for the root.
std::string module_of(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string::npos ? std::string() : name.substr(0, dot);
}

std::string last_part(const std::string& name) { return name.substr(name.rfind('.') + 1); }

// The entry of a module with the names of frozen parameters as they are now.
Value edited_entry(const Value& entry,
                   const std::string& module,
                   const std::unordered_map<std::string, std::string>& new_names) {
  const Value* frozen = entry.find("frozen");
  if (frozen == nullptr || !frozen->is_list()) return entry;
  List names;
  for (const Value& name : frozen->items()) {
    if (!name.is_string()) continue;
    const std::string full = module.empty() ? name.as_string() : module + "." + name.as_string();
    const auto found = new_names.find(full);
    if (found != new_names.end()) names.emplace_back(last_part(found->second));
  }
  Dict edited = entry.as_dict();
  edited.set("frozen", std::move(names));
  return Value(std::move(edited));
}

Value edited_metadata(const Value& metadata, const Entries& entries) {
  if (!metadata.is_dict()) return metadata;
  std::unordered_map<std::string, std::string> new_modules;
  std::unordered_map<std::string, std::string> new_names;
  for (const Entry& entry : entries) {
    new_modules.emplace(module_of(entry.old_name), module_of(entry.name));
    new_names.emplace(entry.old_name, entry.name);
  }
  Dict edited(metadata.as_dict().type());
  for (const auto& [key, entry] : metadata.as_dict()) {
    if (!key.is_string()) continue;
    const auto found = new_modules.find(key.as_string());
    if (found == new_modules.end()) continue;
    edited.set(found->second, edited_entry(entry, key.as_string(), new_names));
  }
  return Value(std::move(edited));
}

}  // namespace

bool has_name_edits(const ConvertOptions& options) {
  return !options.include.empty() || !options.exclude.empty() || !options.strip_prefixes.empty() ||
         !options.renamings.empty() || !options.add_prefix.empty();
}

StateDict edit_names(const StateDict& state_dict, const ConvertOptions& options) {
  Entries entries;
  for (const auto& [name, tensor] : state_dict) entries.push_back({name, name, tensor});
  choose(options, entries);
  strip(options, entries);
  rename(options, entries);
  StateDict edited;
  std::unordered_map<std::string, std::string> old_names;
  for (Entry& entry : entries) {
    entry.name.insert(0, options.add_prefix);
    const auto [known, is_new] = old_names.emplace(entry.name, entry.old_name);
    if (!is_new) {
      fail(ErrorCode::invalid_argument, "'{}' and '{}' would both be named '{}'",
           printable(known->second), printable(entry.old_name), printable(entry.name));
    }
    edited.set(entry.name, entry.tensor);
  }
  edited.set_metadata(edited_metadata(state_dict.metadata(), entries));
  return edited;
}

}  // namespace torchkeep::inspection
