// Checks of tensors that need the bytes of their storages, which are read after the pickle.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <torchkeep/limits.h>
#include <torchkeep/tensor.h>

namespace torchkeep::pt {

class ContentChecks {
 public:
  explicit ContentChecks(const Limits& limits) : left_bytes_(limits.max_value_bytes) {}

  // Every element of an int32 or int64 tensor lies in [least, most].
  // Throws unsafe where all tensors to check are more than Limits::max_value_bytes, and for one
  // that repeats a few bytes by a stride of 0; corrupt for a tensor of another type.
  void add_range(const Tensor& tensor,
                 std::int64_t least,
                 std::int64_t most,
                 std::string_view what);
  // In the last dimension of the tensor the elements rise from 0 to `last`, each step by at most
  // `largest_step`. Throws as add_range().
  void add_rising(const Tensor& tensor,
                  std::int64_t last,
                  std::int64_t largest_step,
                  std::string_view what);

  // Throws corrupt.
  void run() const;

 private:
  enum class Rule { range, rising };
  struct Check {
    Rule rule;
    Tensor tensor;
    std::int64_t least;  // of rising: the largest step
    std::int64_t most;   // of rising: the last element
    std::string_view what;
  };

  void add(Check check);

  std::uint64_t left_bytes_;
  std::vector<Check> checks_;
};

}  // namespace torchkeep::pt
