#include <algorithm>
#include <cmath>
#include <cstring>
#include <unordered_map>
#include <utility>

#include <torchkeep/average.h>
#include <torchkeep/cast.h>
#include <torchkeep/load.h>
#include <torchkeep/match.h>

#include "base/fail.h"
#include "base/parallel.h"
#include "data/find_value.h"
#include "inspect/mean.h"
#include "io/system_error.h"

namespace torchkeep {
namespace {

void check(std::size_t files, const std::vector<double>& weights) {
  if (files == 0) fail(ErrorCode::invalid_argument, "no files to average");
  if (weights.empty()) return;
  if (weights.size() != files) {
    fail(ErrorCode::invalid_argument, "{} weights for {} files", weights.size(), files);
  }
  const bool all_usable = std::ranges::all_of(
      weights, [](double weight) { return std::isfinite(weight) && weight >= 0; });
  const bool any_counts = std::ranges::any_of(weights, [](double weight) { return weight > 0; });
  if (!all_usable || !any_counts) {
    fail(ErrorCode::invalid_argument,
         "weights must be finite numbers from 0, of which one is larger");
  }
}

bool is_state_dict(const Value& value) {
  return value.is_dict() && value.size() > 0 &&
         std::ranges::all_of(value.as_dict(), [](const Dict::Entry& entry) {
           return entry.first.is_string() && entry.second.is_tensor();
         });
}

std::string choose_key(const Value& value, const std::string& wanted) {
  if (!wanted.empty() || is_state_dict(value)) return wanted;
  for (const char* key : {"model_state_dict", "state_dict", "model"}) {
    const Value* part = value.find(key);
    if (part != nullptr && is_state_dict(*part)) return key;
  }
  fail_at(ErrorCode::not_found, {}, "name it as a dotted path (key)",
          "there is no state dict at the top, nor in model_state_dict, state_dict or model");
}

std::vector<TensorForm> forms_of(const StateDict& state_dict) {
  std::vector<TensorForm> forms;
  for (const auto& [name, tensor] : state_dict) {
    forms.push_back({name, tensor.dtype(), tensor.shape()});
  }
  return forms;
}

// Runs `work` with errors that name the file.
template <class Work>
auto at_file(const std::filesystem::path& path, Work work) {
  try {
    return work();
  } catch (Error& error) {
    error.add_place(io::at_path(path));
    throw;
  }
}

bool is_averaged(const Tensor& tensor) {
  return is_number(tensor.dtype()) &&
         (is_floating_point(tensor.dtype()) || is_complex(tensor.dtype()));
}

// Makes tensors of new memory that lie in it as those of a file lie in theirs.
class Copies {
 public:
  Tensor of(const Tensor& tensor) {
    Tensor copy(storage_of(tensor.storage()), tensor.dtype(), tensor.shape(), tensor.strides(),
                tensor.storage_offset());
    copy.set_requires_grad(tensor.requires_grad());
    copy.set_is_parameter(tensor.is_parameter());
    return copy;
  }

 private:
  Storage storage_of(const Storage& storage) {
    const auto bytes = storage.bytes();
    if (bytes.empty()) return storage;
    Storage& copy = copies_[bytes.data()];
    if (copy.size_bytes() < bytes.size()) {
      const Storage memory = Storage::allocate(bytes.size());
      std::memcpy(memory.mutable_bytes().data(), bytes.data(), bytes.size());
      copy = Storage(memory.mutable_bytes().data(), bytes.size(), std::make_shared<Storage>(memory),
                     storage.dtype(), storage.location());
    }
    return copy;
  }

  std::unordered_map<const std::byte*, Storage> copies_;
};

// The state dicts of all files, checked against the last one.
std::vector<StateDict> matching_state_dicts(const std::vector<std::filesystem::path>& paths,
                                            const std::vector<Value>& values,
                                            const std::string& key) {
  std::vector<StateDict> state_dicts;
  const std::vector<TensorForm> forms = at_file(
      paths.back(), [&] { return forms_of(find_value(values.back(), key).as_state_dict()); });
  for (std::size_t i = 0; i < paths.size(); ++i) {
    at_file(paths[i], [&] {
      state_dicts.push_back(find_value(values[i], key).as_state_dict());
      LoadReport report = match(forms, state_dicts.back());
      if (!report.ok()) throw MismatchError(std::move(report));
    });
  }
  return state_dicts;
}

}  // namespace

Average average(const std::vector<std::filesystem::path>& paths, const AverageOptions& options) {
  check(paths.size(), options.weights);
  std::vector<Value> values;
  for (const std::filesystem::path& path : paths) {
    values.push_back(load(path, {.access = Access::map,
                                 .verify = Verify::everything,
                                 .limits = options.limits,
                                 .threads = options.threads}));
  }
  Average result;
  result.value = values.back();
  result.key = at_file(paths.back(), [&] { return choose_key(values.back(), options.key); });
  const std::vector<StateDict> state_dicts = matching_state_dicts(paths, values, result.key);
  std::vector<inspection::MeanTask> tasks;
  Copies copies;
  const Value state_dict = find_value(result.value, result.key);  // part of the result
  for (const auto& [name, tensor] : state_dicts.back()) {
    if (!is_averaged(tensor)) {
      result.kept.push_back(name);
      continue;
    }
    inspection::MeanTask task{copies.of(tensor), {}};
    for (const StateDict& each : state_dicts) task.sources.push_back(each[name]);
    state_dict.as_dict().set(name, task.result);
    tasks.push_back(std::move(task));
  }
  result.averaged = tasks.size();
  inspection::fill_means(tasks, options.weights, effective_threads(options.threads),
                         options.progress);
  return result;
}

}  // namespace torchkeep
