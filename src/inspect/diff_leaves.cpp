#include "inspect/diff_leaves.h"

#include <cmath>
#include <unordered_map>

#include "base/fail.h"
#include "data/leaves.h"

namespace torchkeep::inspection {
namespace {

constexpr std::uint64_t kLeafBytes = 64;  // what a leaf takes besides its name

struct Leaf {
  std::string name;
  Value value;
  bool is_matched = false;
};

struct Leaves {
  std::vector<Leaf> all;
  std::unordered_map<std::string, std::size_t> index;
};

Leaves leaves_of(const Value& root, const Limits& limits) {
  Leaves leaves;
  std::uint64_t left = limits.max_summary_bytes;
  visit_leaves(root, [&](const std::string& name, const Value& value) {
    if (name.size() + kLeafBytes > left) {
      fail(ErrorCode::unsafe,
           "the names of all values together are too long (expected at most {} bytes: "
           "max_summary_bytes)",
           limits.max_summary_bytes);
    }
    left -= name.size() + kLeafBytes;
    std::string distinct = name;
    for (int use = 2; !leaves.index.try_emplace(distinct, leaves.all.size()).second; ++use) {
      distinct = fmt::format("{}#{}", name, use);
    }
    leaves.all.push_back({std::move(distinct), value});
  });
  return leaves;
}

void add_pair(MatchedLeaves& matched, Leaf& a, Leaf& b) {
  a.is_matched = b.is_matched = true;
  if (a.value.is_tensor() && b.value.is_tensor()) {
    matched.tensors.push_back({a.name, a.value.as_tensor(), b.value.as_tensor()});
  } else {
    matched.values.push_back({a.name, a.value, b.value});
  }
}

void add_unmatched(const Leaves& leaves,
                   std::vector<NamedTensor>& tensors,
                   std::vector<std::string>& values) {
  for (const Leaf& leaf : leaves.all) {
    if (leaf.is_matched) continue;
    if (leaf.value.is_tensor()) {
      tensors.push_back({leaf.name, leaf.value.as_tensor()});
    } else {
      values.push_back(leaf.name);
    }
  }
}

bool same_object(const Object& a, const Object& b) {
  if (a.form() != b.form() || a.class_path() != b.class_path() || a.digits() != b.digits()) {
    return false;
  }
  const bool is_plain = has_plain_arguments(a);
  return is_plain == has_plain_arguments(b) && (!is_plain || equal(a.arguments(), b.arguments()));
}

}  // namespace

MatchedLeaves match_leaves(const Value& a, const Value& b, const Limits& limits) {
  Leaves left = leaves_of(a, limits);
  Leaves right = leaves_of(b, limits);
  MatchedLeaves matched;
  for (Leaf& leaf : left.all) {
    const auto found = right.index.find(leaf.name);
    if (found != right.index.end()) add_pair(matched, leaf, right.all[found->second]);
  }
  add_unmatched(left, matched.tensors_only_a, matched.values_only_a);
  add_unmatched(right, matched.tensors_only_b, matched.values_only_b);
  return matched;
}

bool same_leaf(const Value& a, const Value& b, const DiffOptions& options) {
  const bool is_exact = options.rtol == 0 && options.atol == 0;
  if (!is_exact && a.is_number() && b.is_number()) {
    const double x = a.as_double();
    const double y = b.as_double();
    if (x == y || (std::isnan(x) && std::isnan(y))) return true;
    return std::isfinite(y) && std::abs(x - y) <= options.atol + options.rtol * std::abs(y);
  }
  if (a.kind() != b.kind()) return false;
  if (a.is_object()) return same_object(a.as_object(), b.as_object());
  const bool is_container = a.is_dict() || a.is_list() || a.is_tuple() || a.is_set();
  return is_container ? a.size() == b.size() : equal(a, b);
}

}  // namespace torchkeep::inspection
