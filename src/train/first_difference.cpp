#include "train/first_difference.h"

#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

#include <torchkeep/error.h>

#include <fmt/format.h>

#include "data/leaves.h"

namespace torchkeep {
namespace {

using Leaf = std::pair<std::string, Value>;

std::vector<Leaf> leaves_of(const Value& value) {
  std::vector<Leaf> leaves;
  visit_leaves(
      value, [&](const std::string& name, const Value& leaf) { leaves.emplace_back(name, leaf); });
  return leaves;
}

// Both have the same type and shape, and differ.
std::string tensor_difference(const Tensor& a, const Tensor& b) {
  const Tensor ours = a.contiguous();
  const Tensor theirs = b.contiguous();
  const auto mismatch = std::ranges::mismatch(ours.bytes(), theirs.bytes());
  const auto byte = mismatch.in1 - ours.bytes().begin();
  const std::int64_t element = byte / (static_cast<std::int64_t>(ours.size_bytes()) / ours.numel());
  try {
    return fmt::format("element {} is {} and {}", element, ours.item_as_double(element),
                       theirs.item_as_double(element));
  } catch (const Error&) {  // of a type that is no real number
    return fmt::format("element {} differs", element);
  }
}

std::string leaf_difference(const Value& a, const Value& b) {
  if (a.is_tensor() && b.is_tensor()) {
    const Tensor& ours = a.as_tensor();
    const Tensor& theirs = b.as_tensor();
    if (ours.dtype() != theirs.dtype() || ours.shape() != theirs.shape()) {
      return fmt::format("is {} and {}", to_string(a), to_string(b));
    }
    return equal(ours, theirs) ? "" : tensor_difference(ours, theirs);
  }
  const bool same = a.is_double() && b.is_double() ? std::bit_cast<std::uint64_t>(a.as_double()) ==
                                                         std::bit_cast<std::uint64_t>(b.as_double())
                                                   : equal(a, b);
  return same ? "" : fmt::format("is {} and {}", to_string(a), to_string(b));
}

}  // namespace

Comparison compare_leaves(const Value& a, const Value& b) {
  const std::vector<Leaf> ours = leaves_of(a);
  const std::vector<Leaf> theirs = leaves_of(b);
  Comparison comparison;
  for (std::size_t i = 0; i < std::min(ours.size(), theirs.size()); ++i) {
    const auto& [name, value] = ours[i];
    if (name != theirs[i].first) {
      comparison.difference =
          fmt::format("{} stands where the other has {}", name, theirs[i].first);
      return comparison;
    }
    if (std::string difference = leaf_difference(value, theirs[i].second); !difference.empty()) {
      comparison.difference = fmt::format("{}: {}", name, difference);
      return comparison;
    }
    ++comparison.values;
    if (value.is_tensor()) {
      comparison.bytes += static_cast<std::int64_t>(value.as_tensor().size_bytes());
    }
  }
  if (ours.size() != theirs.size()) {
    const bool more = ours.size() > theirs.size();
    comparison.difference = fmt::format(
        "only one has {}", (more ? ours : theirs)[std::min(ours.size(), theirs.size())].first);
  }
  return comparison;
}

}  // namespace torchkeep
