#include <algorithm>
#include <ostream>
#include <utility>

#include <torchkeep/state_dict.h>

#include <fmt/format.h>

#include "base/fail.h"
#include "base/similar.h"

namespace torchkeep {

const Tensor* StateDict::find(std::string_view name) const {
  const auto found = index_.find(std::string(name));
  return found == index_.end() ? nullptr : &entries_[found->second].tensor;
}

const Tensor& StateDict::operator[](std::string_view name) const {
  if (const Tensor* tensor = find(name)) return *tensor;
  std::vector<std::string_view> names;
  for (const Entry& entry : entries_) names.push_back(entry.name);
  const auto similar = most_similar(name, names);
  fail_at(ErrorCode::not_found, {},
          similar ? fmt::format("did you mean '{}'?", *similar) : std::string(),
          "no tensor '{}' in a state dict of {}", name, entries_.size());
}

void StateDict::set(std::string name, Tensor tensor) {
  const auto [place, added] = index_.try_emplace(name, entries_.size());
  if (added) {
    entries_.push_back({std::move(name), std::move(tensor)});
  } else {
    entries_[place->second].tensor = std::move(tensor);
  }
}

StateDict StateDict::without_prefix(std::string_view prefix) const {
  const auto strip = [prefix](std::string_view name) {
    return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
  };
  StateDict stripped;
  for (const Entry& entry : entries_) {
    stripped.set(std::string(strip(entry.name)), entry.tensor);
  }
  if (metadata_.is_dict()) {
    // Module paths have no dot at the end: "module." is the path "module" and those below it.
    const std::string_view path =
        prefix.ends_with('.') ? prefix.substr(0, prefix.size() - 1) : prefix;
    Dict metadata(metadata_.as_dict().type());
    for (const auto& [key, value] : metadata_.as_dict()) {
      if (!key.is_string()) continue;
      // The root of the old names gives way to the module that becomes the root.
      if (key.as_string().empty() && metadata_.contains(path)) continue;
      metadata.set(key.as_string() == path ? std::string() : std::string(strip(key.as_string())),
                   value);
    }
    stripped.set_metadata(std::move(metadata));
  } else {
    stripped.set_metadata(metadata_);
  }
  return stripped;
}

std::int64_t StateDict::numel() const {
  std::int64_t total = 0;
  for (const Entry& entry : entries_) total += entry.tensor.numel();
  return total;
}

std::uint64_t StateDict::size_bytes() const {
  std::uint64_t total = 0;
  for (const Entry& entry : entries_) total += entry.tensor.size_bytes();
  return total;
}

std::string to_string(const StateDict& state_dict) {
  std::size_t name_width = 0;
  std::size_t dtype_width = 0;
  for (const StateDict::Entry& entry : state_dict) {
    name_width = std::max(name_width, entry.name.size());
    dtype_width = std::max(dtype_width, name(entry.tensor.dtype()).size());
  }
  std::string out;
  for (const auto& [key, tensor] : state_dict) {
    out += fmt::format("{:<{}}  {:<{}}  {}\n", key, name_width, name(tensor.dtype()), dtype_width,
                       to_string(tensor.shape()));
  }
  return out + fmt::format("{} tensors, {} elements, {} bytes\n", state_dict.size(),
                           state_dict.numel(), state_dict.size_bytes());
}

std::ostream& operator<<(std::ostream& out, const StateDict& state_dict) {
  return out << to_string(state_dict);
}

}  // namespace torchkeep
