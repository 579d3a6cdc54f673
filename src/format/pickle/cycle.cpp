#include "format/pickle/cycle.h"

#include <unordered_map>

#include "base/fail.h"
#include "data/children.h"

namespace torchkeep::pickle {
namespace {

bool can_be_filled(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::list:
    case Value::Kind::dict:
    case Value::Kind::set:
      return true;
    case Value::Kind::object:
      return value.as_object().form() == Object::Form::call ||
             value.as_object().form() == Object::Form::instance;
    default:
      return false;
  }
}

void empty(const Value& container) {
  if (container.is_list()) container.as_list().clear();
  if (container.is_set()) container.as_set().clear();
  if (container.is_dict()) container.as_dict().clear();
  if (container.is_object()) container.as_object() = Object::global({}, {});
}

// Depth first, without recursion.
class Search {
 public:
  bool finds_cycle_from(const Value& root) {
    enter(root);
    while (!found_ && !pending_.empty()) {
      const Visit visit = pending_.back();
      pending_.pop_back();
      if (visit.leaves) {
        is_open_[visit.value->identity()] = false;
      } else {
        expand(*visit.value);
      }
    }
    return found_;
  }

 private:
  struct Visit {
    const Value* value;
    bool leaves;
  };

  void enter(const Value& value) {
    const bool has_extras = value.is_tensor() && value.as_tensor().extras() != nullptr;
    if (value.is_tuple() || has_extras || can_be_filled(value)) pending_.push_back({&value, false});
  }

  void expand(const Value& value) {
    const auto [state, is_new] = is_open_.try_emplace(value.identity(), true);
    if (!is_new) {
      found_ = state->second;  // still open: an ancestor of its own
      return;
    }
    pending_.push_back({&value, true});
    for_each_child(value, [this](const Value& child) { enter(child); });
  }

  std::vector<Visit> pending_;
  std::unordered_map<const void*, bool> is_open_;
  bool found_ = false;
};

}  // namespace

bool contains_itself(std::span<const Value> values) {
  Search search;
  for (const Value& value : values) {
    if (search.finds_cycle_from(value)) return true;
  }
  return false;
}

SharedContainers::~SharedContainers() {
  for (const Value& container : containers_) empty(container);
}

void SharedContainers::add(const Value& value) {
  if (can_be_filled(value) && identities_.insert(value.identity()).second) {
    containers_.push_back(value);
  }
}

void SharedContainers::release() {
  if (contains_itself(containers_)) {
    fail_at(ErrorCode::unsupported, {}, "save it without the reference to itself",
            "a list, dict or object contains itself");
  }
  containers_.clear();
}

}  // namespace torchkeep::pickle
