// Sums over the differences of numbers, a block at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <torchkeep/dtype.h>

namespace torchkeep::inspection {

struct Tolerance {
  double rtol = 0.0;
  double atol = 0.0;
  bool is_exact() const { return rtol == 0.0 && atol == 0.0; }
};

// What is known about a run of elements of two tensors.
struct RunDifference {
  std::int64_t bit_equal = 0;
  std::int64_t different = 0;
  std::int64_t nan_a = 0;
  std::int64_t nan_b = 0;
  double max_abs = 0.0;
  double sum_dd = 0.0;  // of |a - b|^2
  double sum_aa = 0.0;
  double sum_bb = 0.0;
  double sum_ab = 0.0;
  std::optional<std::int64_t> first;  // the number in the run of the first different element

  // Appends the run that follows this one of `count` elements.
  void append(const RunDifference& next, std::int64_t count);
};

// The type whose numbers `dtype` stores: itself, or the integer type of a quantised one; nothing
// for types without numbers.
std::optional<DType> number_type(DType dtype);

// Compares `count` elements of types that number_type() gave.
RunDifference compare_numbers(const std::byte* a,
                              DType type_a,
                              const std::byte* b,
                              DType type_b,
                              std::size_t count,
                              const Tolerance& tolerance);

// Compares the bits of `count` elements of `item` bytes each.
RunDifference compare_bits(const std::byte* a,
                           const std::byte* b,
                           std::size_t item,
                           std::size_t count);

}  // namespace torchkeep::inspection
