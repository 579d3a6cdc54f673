// What differs between two files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <torchkeep/limits.h>
#include <torchkeep/match.h>
#include <torchkeep/progress.h>
#include <torchkeep/value.h>

namespace torchkeep {

struct DiffOptions {
  enum class Values { compare, ignore };
  enum class DTypes { compare, ignore };

  // Elements are the same where |a - b| <= atol + rtol * |b|, or both are NaN. Both 0: where their
  // bits are the same.
  double rtol = 0.0;
  double atol = 0.0;
  Values values = Values::compare;  // ignore: only names, types and shapes of tensors
  DTypes dtypes = DTypes::compare;  // ignore: another type is no difference, only other numbers are
  // The part to compare, as a dotted path such as "model_state_dict"; empty: all.
  std::string key_a = {};
  std::string key_b = {};
  int threads = 0;  // 0: as many as there are processors, at most 8
  Limits limits = {};
  ProgressFunction progress = {};
};

// How far the numbers of two tensors of one shape are apart, computed as float64. Complex numbers
// are compared by the modulus of their difference, quantised ones by the stored integers.
// Elements of which one or both are NaN or infinite are left out of the four, except that an
// infinity beside another number makes max_abs infinite.
struct NumberDiff {
  double max_abs = 0.0;      // the largest |a - b|
  double relative_l2 = 0.0;  // ||a - b|| / ||b||; infinite where only ||b|| is 0
  std::optional<double> cosine =
      std::nullopt;        // of the angle between a and b; nothing where one of them is 0
  std::int64_t nan_a = 0;  // elements that are NaN
  std::int64_t nan_b = 0;
  double first_a = 0.0;  // the elements at ElementDiff::first; of complex ones the real part
  double first_b = 0.0;
};

struct ElementDiff {
  std::int64_t elements = 0;
  std::int64_t bit_equal = 0;  // with the same bits; where the types differ: with the same number
  std::int64_t different = 0;  // outside the tolerance
  std::optional<Shape> first =
      std::nullopt;  // the index of the first different element in row-major order
  std::optional<NumberDiff> numbers =
      std::nullopt;  // nothing for types without numbers, such as bits8
};

// A tensor of the same name in both that is not identical.
struct TensorDiff {
  TensorForm a;
  TensorForm b;
  bool same = false;               // within the tolerance
  bool quantizer_differs = false;  // scale, zero point or axis
  std::optional<ElementDiff> elements =
      std::nullopt;  // nothing where shapes differ or values are ignored
};

struct ValueDiff {
  std::string name;
  Value a;
  Value b;
};

// A tensor of `a` that `b` has under another name, with the same type, shape and bits.
struct RenamedTensor {
  std::string a;
  std::string b;
  TensorForm form;
  bool is_ambiguous = false;  // several tensors have that content, such as biases of zeros
};

// The optimizer, scheduler or random state of a checkpoint.
struct TrainingDiff {
  enum class Part { optimizer, scheduler, random_state };
  Part part = Part::optimizer;
  std::string name;  // its key, such as "optimizer_state_dict"
  bool same = true;
  std::string summary = {};               // one sentence
  std::vector<std::string> details = {};  // one line for each thing that differs
};

// The parameters that a file names as frozen: in both, or in the only file that names any.
struct FrozenDiff {
  std::vector<std::string> names;
  // Those that are not bit-equal or are missing on one side; also the running statistics of batch
  // norms whose weight is frozen.
  std::vector<std::string> changed;
};

struct Diff {
  std::filesystem::path path_a;
  std::filesystem::path path_b;
  std::vector<TensorForm> tensors_only_a;
  std::vector<TensorForm> tensors_only_b;
  std::vector<RenamedTensor> renamed;
  std::vector<TensorDiff> tensors;
  std::vector<std::string> values_only_a;
  std::vector<std::string> values_only_b;
  std::vector<ValueDiff> values;
  std::int64_t identical_tensors = 0;
  std::uint64_t identical_bytes = 0;
  std::int64_t identical_values = 0;
  std::vector<TrainingDiff> training;
  std::optional<FrozenDiff> frozen;

  bool same() const;  // nothing is only in one of them and all else is the same in tolerance
};

// Compares all tensors and other values by name. Maps the files and works through them in small
// pieces with several threads, so that memory does not grow with the tensors. Bits are compared,
// checksums are not. Throws as load(); not_found for a key, with similar ones as advice.
Diff diff(const std::filesystem::path& a,
          const std::filesystem::path& b,
          const DiffOptions& options = {});

// The same with values in memory.
Diff diff_values(const Value& a, const Value& b, const DiffOptions& options = {});

// For people: tables of what differs, what it means for training, and a last line with the verdict.
std::string to_string(const Diff& diff);
// One JSON document, as `torchkeep diff --json` prints it.
std::string to_json(const Diff& diff);

}  // namespace torchkeep
