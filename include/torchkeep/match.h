// Comparing a state dict with the form of a model, and proposing what would mend the difference.
#pragma once

#include <string>
#include <vector>

#include <torchkeep/error.h>
#include <torchkeep/state_dict.h>

namespace torchkeep {

// What a model expects under one name.
struct TensorForm {
  std::string name;
  DType dtype = DType::float32;
  Shape shape;
};

// A tensor that is there, but has another shape, or a type that cannot be converted.
struct MismatchedKey {
  std::string name;
  TensorForm expected;  // in the model
  TensorForm found;     // in the file
};

// The outcome of a comparison. Names are in the order of the model, or of the file for unexpected
// ones.
struct LoadReport {
  std::vector<std::string> loaded_keys;      // in both, and of the same form
  std::vector<std::string> missing_keys;     // in the model, not in the file
  std::vector<std::string> unexpected_keys;  // in the file, not in the model
  std::vector<MismatchedKey> mismatched_keys;
  std::vector<std::string> suggestions;  // one sentence each, the most helpful first

  bool ok() const {
    return missing_keys.empty() && unexpected_keys.empty() && mismatched_keys.empty();
  }
};

// Every list in full, then the suggestions; several lines.
std::string to_string(const LoadReport& report);

// Thrown by a strict load; carries the whole report. Its code is mismatch.
class MismatchError : public Error {
 public:
  MismatchError(LoadReport report, Place place = {});
  const LoadReport& report() const noexcept { return report_; }

 private:
  LoadReport report_;
};

// Compares names, shapes and types; reads no tensor. A difference in floating-point type is none:
// loading converts, as Python does.
// A suggestion is made only if it was tried and found to help: a prefix to strip or to add, blocks
// renamed or renumbered (`layer1.` for `features.`), keys below another key of the file, a head of
// another size, the most similar name for a single key. It says how many keys it would match.
LoadReport match(const std::vector<TensorForm>& expected, const StateDict& found);

}  // namespace torchkeep
