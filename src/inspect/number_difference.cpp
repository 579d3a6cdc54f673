#include "inspect/number_difference.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "data/element.h"

namespace torchkeep::inspection {
namespace {

constexpr std::size_t kBlock = 1024;  // elements; their numbers stay in the cache
constexpr std::size_t kLanes = 4;     // sums that do not wait for each other
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A block of two tensors as float64: for complex elements two numbers each.
struct Block {
  std::array<double, 2 * kBlock> a;
  std::array<double, 2 * kBlock> b;
  std::array<double, kBlock> distance;   // |a - b|; NaN where one of them is
  std::array<double, kBlock> magnitude;  // |b|
  std::size_t parts = 1;                 // numbers of an element
  std::size_t count = 0;                 // elements
};

void fill(Block& block, const std::byte* a, DType type_a, const std::byte* b, DType type_b) {
  const bool complex = is_complex(type_a) || is_complex(type_b);
  const DType wide = complex ? DType::complex128 : DType::float64;
  block.parts = complex ? 2 : 1;
  element::convert(a, type_a, reinterpret_cast<std::byte*>(block.a.data()), wide, block.count);
  element::convert(b, type_b, reinterpret_cast<std::byte*>(block.b.data()), wide, block.count);
}

bool all_finite(const std::array<double, 2 * kBlock>& numbers, std::size_t count) {
  double zero = 0.0;  // NaN once there was an infinity or a NaN
  for (std::size_t i = 0; i < count; ++i) zero += numbers[i] * 0.0;
  return zero == 0.0;
}

void measure(Block& block) {
  for (std::size_t i = 0; i < block.count; ++i) {
    if (block.parts == 2) {
      const std::size_t re = 2 * i;
      block.distance[i] = std::hypot(block.a[re] - block.b[re], block.a[re + 1] - block.b[re + 1]);
      block.magnitude[i] = std::hypot(block.b[re], block.b[re + 1]);
    } else {
      block.distance[i] = std::abs(block.a[i] - block.b[i]);
      block.magnitude[i] = std::abs(block.b[i]);
    }
  }
}

// Neighbours of 2^63 are the same number as float64.
template <class Integer>
void measure_integers(Block& block, const std::byte* a, const std::byte* b) {
  for (std::size_t i = 0; i < block.count; ++i) {
    Integer x = 0;
    Integer y = 0;
    std::memcpy(&x, a + i * sizeof x, sizeof x);
    std::memcpy(&y, b + i * sizeof y, sizeof y);
    const auto low = static_cast<std::uint64_t>(std::min(x, y));
    const auto high = static_cast<std::uint64_t>(std::max(x, y));
    block.distance[i] = static_cast<double>(high - low);
  }
}

bool is_nan(const Block& block, const std::array<double, 2 * kBlock>& numbers, std::size_t i) {
  const double* first = &numbers[i * block.parts];
  return std::any_of(first, first + block.parts, [](double x) { return std::isnan(x); });
}

bool is_finite(const Block& block, const std::array<double, 2 * kBlock>& numbers, std::size_t i) {
  const double* first = &numbers[i * block.parts];
  return std::all_of(first, first + block.parts, [](double x) { return std::isfinite(x); });
}

// Decides the distances of elements that are not finite and takes them out of the sums.
void set_specials_apart(Block& block, RunDifference& run) {
  for (std::size_t i = 0; i < block.count; ++i) {
    if (is_finite(block, block.a, i) && is_finite(block, block.b, i)) continue;
    const bool nan_a = is_nan(block, block.a, i);
    const bool nan_b = is_nan(block, block.b, i);
    run.nan_a += nan_a ? 1 : 0;
    run.nan_b += nan_b ? 1 : 0;
    double* a = &block.a[i * block.parts];
    double* b = &block.b[i * block.parts];
    if (nan_a != nan_b) {
      block.distance[i] = std::nan("");
    } else {
      block.distance[i] = nan_a || std::equal(a, a + block.parts, b) ? 0.0 : kInfinity;
      block.magnitude[i] = 0.0;  // else an infinite tolerance would allow anything
    }
    std::fill_n(a, block.parts, 0.0);
    std::fill_n(b, block.parts, 0.0);
  }
}

void add_sums(const Block& block, RunDifference& run) {
  std::array<double, kLanes> dd{};
  std::array<double, kLanes> aa{};
  std::array<double, kLanes> bb{};
  std::array<double, kLanes> ab{};
  const std::size_t numbers = block.count * block.parts;
  const auto add = [&](std::size_t i, std::size_t lane) {
    const double a = block.a[i];
    const double b = block.b[i];
    dd[lane] += (a - b) * (a - b);
    aa[lane] += a * a;
    bb[lane] += b * b;
    ab[lane] += a * b;
  };
  std::size_t i = 0;
  for (; i + kLanes <= numbers; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) add(i + lane, lane);
  }
  for (; i < numbers; ++i) add(i, 0);
  run.sum_dd += (dd[0] + dd[1]) + (dd[2] + dd[3]);
  run.sum_aa += (aa[0] + aa[1]) + (aa[2] + aa[3]);
  run.sum_bb += (bb[0] + bb[1]) + (bb[2] + bb[3]);
  run.sum_ab += (ab[0] + ab[1]) + (ab[2] + ab[3]);
  for (std::size_t e = 0; e < block.count; ++e) {
    run.max_abs = block.distance[e] > run.max_abs ? block.distance[e] : run.max_abs;
  }
}

template <class Same>
void count_same(RunDifference& run, std::size_t count, Same same) {
  std::int64_t equal = 0;
  for (std::size_t i = 0; i < count; ++i) equal += same(i) ? 1 : 0;
  run.bit_equal = equal;
}

// Sets `different` and `first` by a predicate of elements.
template <class Same>
void count_different(RunDifference& run, std::size_t count, Same same) {
  std::int64_t different = 0;
  for (std::size_t i = 0; i < count; ++i) different += same(i) ? 0 : 1;
  run.different = different;
  for (std::size_t i = 0; different > 0 && i < count && !run.first; ++i) {
    if (!same(i)) run.first = static_cast<std::int64_t>(i);
  }
}

template <class Bits>
RunDifference compare_bits_as(const std::byte* a, const std::byte* b, std::size_t count) {
  RunDifference run;
  const auto same = [&](std::size_t i) {
    Bits x;
    Bits y;
    std::memcpy(&x, a + i * sizeof x, sizeof x);
    std::memcpy(&y, b + i * sizeof y, sizeof y);
    return x == y;
  };
  count_same(run, count, same);
  count_different(run, count, same);
  return run;
}

RunDifference compare_block(Block& block,
                            const std::byte* a,
                            DType type_a,
                            const std::byte* b,
                            DType type_b,
                            const Tolerance& tolerance) {
  RunDifference run;
  if (type_a == type_b) {
    run = compare_bits(a, b, static_cast<std::size_t>(item_bytes(type_a)), block.count);
  }
  fill(block, a, type_a, b, type_b);
  measure(block);
  if (type_a == type_b && type_a == DType::int64) measure_integers<std::int64_t>(block, a, b);
  if (type_a == type_b && type_a == DType::uint64) measure_integers<std::uint64_t>(block, a, b);
  const std::size_t numbers = block.count * block.parts;
  if (!all_finite(block.a, numbers) || !all_finite(block.b, numbers)) {
    set_specials_apart(block, run);
  }
  if (type_a != type_b) {
    count_same(run, block.count, [&](std::size_t i) { return block.distance[i] == 0.0; });
  }
  if (type_a != type_b || !tolerance.is_exact()) {
    run.first.reset();
    count_different(run, block.count, [&](std::size_t i) {
      return block.distance[i] <= tolerance.atol + tolerance.rtol * block.magnitude[i];
    });
  }
  add_sums(block, run);
  return run;
}

}  // namespace

void RunDifference::append(const RunDifference& next, std::int64_t count) {
  bit_equal += next.bit_equal;
  different += next.different;
  nan_a += next.nan_a;
  nan_b += next.nan_b;
  max_abs = std::max(max_abs, next.max_abs);
  sum_dd += next.sum_dd;
  sum_aa += next.sum_aa;
  sum_bb += next.sum_bb;
  sum_ab += next.sum_ab;
  if (!first && next.first) first = count + *next.first;
}

std::optional<DType> number_type(DType dtype) {
  switch (dtype) {
    case DType::qint8:
      return DType::int8;
    case DType::quint8:
      return DType::uint8;
    case DType::qint32:
      return DType::int32;
    default:
      return element::is_number(dtype) ? std::optional(dtype) : std::nullopt;
  }
}

RunDifference compare_numbers(const std::byte* a,
                              DType type_a,
                              const std::byte* b,
                              DType type_b,
                              std::size_t count,
                              const Tolerance& tolerance) {
  const auto item_a = static_cast<std::size_t>(item_bytes(type_a));
  const auto item_b = static_cast<std::size_t>(item_bytes(type_b));
  RunDifference run;
  Block block;
  for (std::size_t i = 0; i < count; i += kBlock) {
    block.count = std::min(kBlock, count - i);
    run.append(compare_block(block, a + i * item_a, type_a, b + i * item_b, type_b, tolerance),
               static_cast<std::int64_t>(i));
  }
  return run;
}

RunDifference compare_bits(const std::byte* a,
                           const std::byte* b,
                           std::size_t item,
                           std::size_t count) {
  struct Bits128 {
    std::uint64_t low;
    std::uint64_t high;
    bool operator==(const Bits128&) const = default;
  };
  switch (item) {
    case 1:
      return compare_bits_as<std::uint8_t>(a, b, count);
    case 2:
      return compare_bits_as<std::uint16_t>(a, b, count);
    case 4:
      return compare_bits_as<std::uint32_t>(a, b, count);
    case 8:
      return compare_bits_as<std::uint64_t>(a, b, count);
    default:
      return compare_bits_as<Bits128>(a, b, count);
  }
}

}  // namespace torchkeep::inspection
