#include <utility>

#include <torchkeep/inspect.h>

#include "base/fail.h"
#include "data/leaves.h"
#include "data/tensor_hash.h"
#include "format/delta.h"
#include "format/load_file.h"
#include "io/system_error.h"

namespace torchkeep {
namespace {

// What a leaf takes in a summary besides its name.
constexpr std::uint64_t kLeafBytes = 64;

class NameBudget {
 public:
  explicit NameBudget(const Limits& limits)
      : most_(limits.max_summary_bytes), left_(limits.max_summary_bytes) {}

  void charge(std::string_view name) {
    const std::uint64_t needed = name.size() + kLeafBytes;
    if (needed > left_) {
      fail(ErrorCode::unsafe,
           "the names of all values together are too long (expected at most {} bytes: "
           "max_summary_bytes)",
           most_);
    }
    left_ -= needed;
  }

 private:
  std::uint64_t most_;
  std::uint64_t left_;
};

TensorSummary summarise(const std::string& name, const Tensor& tensor, InspectOptions::Hash hash) {
  TensorSummary summary{name, tensor.dtype(), tensor.shape(), tensor.size_bytes(), std::nullopt};
  if (hash == InspectOptions::Hash::none) return summary;
  try {
    summary.sha256 = sha256_of_elements(tensor);
  } catch (Error& error) {
    Place place;
    place.tensor = name;
    error.add_place(place);
    throw;
  }
  return summary;
}

constexpr std::string_view kNotes = "__metadata__";

// What a safetensors file says about itself; null where that is nothing.
const Value* notes_of(const Value& value) {
  return value.is_dict() ? value.as_dict().attributes().find(kNotes) : nullptr;
}

void add_leaves(const Value& value, const InspectOptions& options, Summary& summary) {
  NameBudget budget(options.limits);
  const auto add = [&](const std::string& name, const Value& leaf) {
    budget.charge(name);
    if (leaf.is_tensor()) {
      summary.tensors.push_back(summarise(name, leaf.as_tensor(), options.hash));
    } else {
      summary.values.emplace_back(name, leaf);
    }
  };
  visit_leaves(value, add);
  if (const Value* notes = notes_of(value)) visit_leaves(dict({{kNotes, *notes}}), add);
}

// The note of a delta names every tensor, and is told in one line.
Value without_note(const Value& delta) {
  Dict rest = delta.as_dict();
  rest.erase(kDeltaKey);
  return Value(std::move(rest));
}

// A model that is refused is still a file with values in it.
void add_modules(const Value& value, const InspectOptions& options, Summary& summary) {
  const std::optional<FoundModule> found = find_module(value);
  if (!found) return;
  summary.modules_key = found->key;
  try {
    ModuleTree tree = module_tree(*found->module, options.limits);
    NameBudget budget(options.limits);
    for_each_module(tree, [&](const std::string& path, const ModuleNode&) { budget.charge(path); });
    summary.modules = std::move(tree);
  } catch (const Error& error) {
    summary.modules_problem = error.what();
  }
}

}  // namespace

Summary inspect(const std::filesystem::path& path, const InspectOptions& options) {
  const bool reads_tensors = options.hash != InspectOptions::Hash::none;
  LoadOptions load_options;
  load_options.access = Access::map;
  load_options.verify = reads_tensors ? Verify::everything : Verify::what_is_read;
  load_options.limits = options.limits;
  LoadedFile file = load_file(path, load_options, Deltas::as_stored);
  Summary summary;
  summary.path = path;
  summary.format = file.format;
  summary.file_bytes = file.file_bytes;
  summary.globals = std::move(file.content.globals);
  try {
    summary.delta = delta_info(file.content.value, path, BaseCheck::size);
    if (summary.delta) file.content.value = without_note(file.content.value);
    add_modules(file.content.value, options, summary);
    add_leaves(file.content.value, options, summary);
  } catch (Error& error) {
    error.add_place(io::at_path(path));
    throw;
  }
  return summary;
}

}  // namespace torchkeep
