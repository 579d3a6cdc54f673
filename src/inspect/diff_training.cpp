#include "inspect/diff_training.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/table.h"
#include "inspect/parameter_labels.h"
#include "inspect/value_text.h"

namespace torchkeep::inspection {
namespace {

using Part = TrainingDiff::Part;

// A part of a checkpoint, as it is on each side; null where it is missing.
struct Place {
  Part part = Part::optimizer;
  std::string name;
  const Value* a = nullptr;
  const Value* b = nullptr;
};

std::optional<Part> part_of(std::string_view key, const Value& value) {
  if (is_optimizer_state(value)) return Part::optimizer;
  if (key.find("scheduler") != std::string_view::npos) return Part::scheduler;
  for (const char* word : {"rng", "random_state"}) {
    if (key.find(word) != std::string_view::npos) return Part::random_state;
  }
  return std::nullopt;
}

void add_place(const std::string& name,
               const Value& value,
               const Value* Place::*side,
               std::vector<Place>& places) {
  const auto part = part_of(name, value);
  if (!part) return;
  const auto known = std::ranges::find(places, name, &Place::name);
  if (known != places.end()) {
    (*known).*side = &value;
    return;
  }
  Place place{.part = *part, .name = name};
  place.*side = &value;
  places.push_back(place);
}

// At the top of the checkpoint, or in a list there, as Lightning's `optimizer_states`.
void add_places(const Value& root, const Value* Place::*side, std::vector<Place>& places) {
  if (!root.is_dict()) return;
  add_place("", root, side, places);
  for (const auto& [key, value] : root.as_dict()) {
    if (!key.is_string()) continue;
    add_place(key.as_string(), value, side, places);
    if (!value.is_list()) continue;
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (!is_optimizer_state(value[i])) continue;
      add_place(key.as_string() + "." + std::to_string(i), value[i], side, places);
    }
  }
}

// What differs below a name, without that name.
struct Change {
  std::string name;
  std::string text;
};

class Changes {
 public:
  explicit Changes(const Diff& diff) : diff_(diff) {}

  std::vector<Change> below(const std::string& prefix) const {
    std::vector<Change> changes;
    const auto add = [&](const std::string& name, std::string text) {
      if (name == prefix || prefix.empty()) {
        changes.push_back({name == prefix ? "" : name, std::move(text)});
      } else if (name.starts_with(prefix) && name[prefix.size()] == '.') {
        changes.push_back({name.substr(prefix.size() + 1), std::move(text)});
      }
    };
    for (const TensorDiff& tensor : diff_.tensors) {
      if (!tensor.same) add(tensor.a.name, text_of(tensor));
    }
    for (const ValueDiff& value : diff_.values) {
      add(value.name, line_of(value.a) + " -> " + line_of(value.b));
    }
    for (const TensorForm& form : diff_.tensors_only_a) add(form.name, "only in A");
    for (const TensorForm& form : diff_.tensors_only_b) add(form.name, "only in B");
    for (const std::string& name : diff_.values_only_a) add(name, "only in A");
    for (const std::string& name : diff_.values_only_b) add(name, "only in B");
    for (const RenamedTensor& tensor : diff_.renamed) {
      add(tensor.a, "renamed to " + tensor.b);
      add(tensor.b, "renamed from " + tensor.a);
    }
    return changes;
  }

 private:
  static std::string text_of(const TensorDiff& tensor) {
    if (tensor.a.shape != tensor.b.shape) {
      return to_string(tensor.a.shape) + " -> " + to_string(tensor.b.shape);
    }
    if (!tensor.elements || !tensor.elements->numbers) return "differs";
    const NumberDiff& numbers = *tensor.elements->numbers;
    if (tensor.elements->elements == 1) {
      return line_of(numbers.first_a) + " -> " + line_of(numbers.first_b);
    }
    return "differs by at most " + line_of(numbers.max_abs);
  }

  const Diff& diff_;
};

// "state.3.exp_avg" is cut into "3" and "exp_avg"; nothing for other names.
std::optional<std::pair<std::string, std::string>> state_field(const std::string& name) {
  constexpr std::string_view kState = "state.";
  if (!name.starts_with(kState)) return std::nullopt;
  const std::size_t dot = name.find('.', kState.size());
  if (dot == std::string::npos) return std::nullopt;
  return std::pair(name.substr(kState.size(), dot - kState.size()), name.substr(dot + 1));
}

void describe_optimizer(const Value& optimizer,
                        const Value& checkpoint,
                        const std::vector<Change>& changes,
                        TrainingDiff& result) {
  std::map<std::string, std::string> labels = parameter_labels(optimizer, checkpoint);
  std::vector<std::string> order;  // of the parameters whose state differs
  std::map<std::string, std::string> states;
  std::size_t options = 0;
  for (const Change& change : changes) {
    const auto field = state_field(change.name);
    if (!field) {
      ++options;
      result.details.push_back(change.name + ": " + change.text);
      continue;
    }
    std::string& line = states[field->first];
    if (line.empty()) order.push_back(field->first);
    line += (line.empty() ? "" : ", ") + field->second + " " + change.text;
  }
  for (const std::string& index : order) {
    const auto label = labels.find(index);
    result.details.push_back((label == labels.end() ? "parameter " + index : label->second) + ": " +
                             states[index]);
  }
  result.summary = changes.empty()
                       ? fmt::format("the same for {}", counted(labels.size(), "parameter"))
                       : fmt::format("the state of {} of {} differs", order.size(),
                                     counted(labels.size(), "parameter"));
  if (options > 0) result.summary += fmt::format(", and {}", counted(options, "other value"));
}

void describe(const Place& place,
              const Value& root_a,
              const Value& root_b,
              const std::vector<Change>& changes,
              TrainingDiff& result) {
  if (place.a == nullptr || place.b == nullptr) {
    result.summary = place.a == nullptr ? "only in B" : "only in A";
    return;
  }
  if (place.part == Part::optimizer) {
    const bool is_b = is_optimizer_state(*place.b);
    describe_optimizer(is_b ? *place.b : *place.a, is_b ? root_b : root_a, changes, result);
    return;
  }
  for (const Change& change : changes) {
    if (!change.name.empty()) result.details.push_back(change.name + ": " + change.text);
  }
  if (changes.empty()) {
    result.summary = "the same";
  } else if (place.part == Part::random_state) {
    result.summary = "differs: other random numbers will follow";
  } else {
    result.summary =
        counted(changes.size(), "value") + (changes.size() == 1 ? " differs" : " differ");
  }
}

}  // namespace

std::vector<TrainingDiff> compare_training(const Value& a, const Value& b, const Diff& diff) {
  std::vector<Place> places;
  add_places(a, &Place::a, places);
  add_places(b, &Place::b, places);
  const Changes changes(diff);
  std::vector<TrainingDiff> results;
  for (const Place& place : places) {
    TrainingDiff result{.part = place.part, .name = place.name};
    const std::vector<Change> found = changes.below(place.name);
    result.same = place.a != nullptr && place.b != nullptr && found.empty();
    describe(place, a, b, found, result);
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace torchkeep::inspection
