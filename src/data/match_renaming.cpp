#include "data/match_renaming.h"

#include <string_view>
#include <unordered_map>

namespace torchkeep {
namespace {

using RenameOf = std::unordered_map<std::string_view, const PrefixRename*>;

const PrefixRename* longest_prefix(const RenameOf& rename_of, std::string_view name) {
  for (std::size_t dot = name.rfind('.'); dot != std::string_view::npos;
       dot = dot == 0 ? std::string_view::npos : name.rfind('.', dot - 1)) {
    const auto rename = rename_of.find(name.substr(0, dot + 1));
    if (rename != rename_of.end()) return rename->second;
  }
  const auto rename = rename_of.find(std::string_view());
  return rename == rename_of.end() ? nullptr : rename->second;
}

}  // namespace

StateDict renamed(const StateDict& found, const Renaming& renaming) {
  RenameOf rename_of;
  for (const PrefixRename& rename : renaming) rename_of.emplace(rename.from, &rename);
  StateDict result;
  for (const StateDict::Entry& entry : found) {
    const PrefixRename* rename = longest_prefix(rename_of, entry.name);
    result.set(rename ? rename->to + entry.name.substr(rename->from.size()) : entry.name,
               entry.tensor);
  }
  return result;
}

}  // namespace torchkeep
