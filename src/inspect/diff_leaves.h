// The leaves of two values, matched by name.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <torchkeep/diff.h>

namespace torchkeep::inspection {

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

struct CommonTensor {
  std::string name;
  Tensor a;
  Tensor b;
};

// A leaf that is a tensor on one side only counts as a value.
struct MatchedLeaves {
  std::vector<NamedTensor> tensors_only_a;
  std::vector<NamedTensor> tensors_only_b;
  std::vector<CommonTensor> tensors;
  std::vector<std::string> values_only_a;
  std::vector<std::string> values_only_b;
  std::vector<ValueDiff> values;  // in both, whether they differ or not
};

// In the order of `a`, then of `b`. Leaves that have one name, which happens where keys hold dots,
// are told apart as name#2. Throws unsafe for more names than Limits::max_summary_bytes.
MatchedLeaves match_leaves(const Value& a, const Value& b, const Limits& limits);

// Whether two leaves that are no tensors are the same. Of numbers, within the tolerance unless it
// is 0. Of objects, their class and plain arguments: what else they hold are leaves of their own.
bool same_leaf(const Value& a, const Value& b, const DiffOptions& options);

}  // namespace torchkeep::inspection
