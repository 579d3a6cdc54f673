#include "inspect/diff_renames.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/parallel.h"
#include "data/tensor_hash.h"

namespace torchkeep::inspection {
namespace {

std::string form_key(const Tensor& tensor) {
  return fmt::format("{}{}", name(tensor.dtype()), to_string(tensor.shape()));
}

// Tensors that could be one, by their numbers in the two lists.
struct Candidates {
  std::vector<std::size_t> a;
  std::vector<std::size_t> b;
};
using Groups = std::map<std::string, Candidates>;

template <class Key>
Groups group(std::size_t count_a, std::size_t count_b, Key key) {
  Groups groups;
  for (std::size_t i = 0; i < count_a; ++i) groups[key(0, i)].a.push_back(i);
  for (std::size_t i = 0; i < count_b; ++i) groups[key(1, i)].b.push_back(i);
  std::erase_if(groups, [](const auto& item) {
    return item.second.a.empty() || item.second.b.empty() || item.first.empty();
  });
  return groups;
}

std::size_t common_ending(std::string_view a, std::string_view b) {
  const auto [end, unused] = std::mismatch(a.rbegin(), a.rend(), b.rbegin(), b.rend());
  return static_cast<std::size_t>(end - a.rbegin());
}

// Hashes of the tensors in the groups, by list and number; empty for all others.
class Hashes {
 public:
  Hashes(const std::vector<NamedTensor>& a,
         const std::vector<NamedTensor>& b,
         const Groups& groups,
         int threads)
      : hashes_{std::vector<std::string>(a.size()), std::vector<std::string>(b.size())} {
    std::vector<std::pair<int, std::size_t>> wanted;
    for (const auto& [form, candidates] : groups) {
      for (const std::size_t i : candidates.a) wanted.emplace_back(0, i);
      for (const std::size_t i : candidates.b) wanted.emplace_back(1, i);
    }
    parallel_for(wanted.size(), threads, [&](std::size_t i) {
      const auto [side, number] = wanted[i];
      const Tensor& tensor = (side == 0 ? a : b)[number].tensor;
      hashes_[side][number] = form_key(tensor) + sha256_of_elements(tensor);
    });
  }

  const std::string& operator()(int side, std::size_t number) const {
    return hashes_[side][number];
  }

 private:
  std::vector<std::string> hashes_[2];
};

// Pairs those of one content, the longest common ending first for each name of `a`.
void pair_up(const Candidates& group,
             const std::vector<NamedTensor>& a,
             const std::vector<NamedTensor>& b,
             std::vector<std::pair<std::size_t, std::size_t>>& pairs) {
  std::vector<std::size_t> left = group.b;
  for (const std::size_t i : group.a) {
    if (left.empty()) return;
    const auto best = std::ranges::max_element(
        left, {}, [&](std::size_t j) { return common_ending(a[i].name, b[j].name); });
    pairs.emplace_back(i, *best);
    left.erase(best);
  }
}

void erase_taken(std::vector<NamedTensor>& tensors, std::vector<std::size_t> taken) {
  std::ranges::sort(taken, std::greater());
  for (const std::size_t i : taken) tensors.erase(tensors.begin() + static_cast<std::ptrdiff_t>(i));
}

}  // namespace

std::vector<RenamedTensor> take_renamed(std::vector<NamedTensor>& only_a,
                                        std::vector<NamedTensor>& only_b,
                                        int threads) {
  const auto by_form = [&](int side, std::size_t i) {
    const Tensor& tensor = (side == 0 ? only_a : only_b)[i].tensor;
    return tensor.numel() == 0 ? std::string() : form_key(tensor);
  };
  const Groups forms = group(only_a.size(), only_b.size(), by_form);
  const Hashes hashes(only_a, only_b, forms, threads);
  std::vector<RenamedTensor> renamed;
  std::vector<std::size_t> taken_a;
  std::vector<std::size_t> taken_b;
  for (const auto& [hash, candidates] : group(only_a.size(), only_b.size(), hashes)) {
    std::vector<std::pair<std::size_t, std::size_t>> pairs;
    pair_up(candidates, only_a, only_b, pairs);
    for (const auto& [i, j] : pairs) {
      const Tensor& tensor = only_a[i].tensor;
      renamed.push_back({only_a[i].name,
                         only_b[j].name,
                         {only_a[i].name, tensor.dtype(), tensor.shape()},
                         candidates.a.size() > 1 || candidates.b.size() > 1});
      taken_a.push_back(i);
      taken_b.push_back(j);
    }
  }
  // In the order of the first file.
  std::vector<std::size_t> order(renamed.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [&](std::size_t i) { return taken_a[i]; });
  std::vector<RenamedTensor> sorted;
  for (const std::size_t i : order) sorted.push_back(std::move(renamed[i]));
  erase_taken(only_a, std::move(taken_a));
  erase_taken(only_b, std::move(taken_b));
  return sorted;
}

}  // namespace torchkeep::inspection
