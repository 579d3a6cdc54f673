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

// Cuts every cycle where it comes back. Depth first, without recursion.
class Cutter {
 public:
  void cut_below(const Value& root) {
    enter(root, Slot::value);
    while (!pending_.empty()) {
      const Visit visit = pending_.back();
      pending_.pop_back();
      if (visit.slot == Slot::left) {
        is_open_[visit.value->identity()] = false;
      } else {
        expand(visit);
      }
    }
  }

 private:
  enum class Slot { value, key, left };
  struct Visit {
    const Value* value;
    Slot slot;
  };

  void enter(const Value& value, Slot slot) {
    const bool has_extras = value.is_tensor() && value.as_tensor().extras() != nullptr;
    if (value.is_tuple() || has_extras || can_be_filled(value)) pending_.push_back({&value, slot});
  }

  void expand(const Visit& visit) {
    const Value& value = *visit.value;
    const auto [state, is_new] = is_open_.try_emplace(value.identity(), true);
    if (!is_new) {
      if (state->second) cut(visit);  // still open: an ancestor of its own
      return;
    }
    pending_.push_back({&value, Slot::left});
    if (value.is_dict()) {
      for (const auto& [key, item] : value.as_dict()) {
        enter(key, Slot::key);
        enter(item, visit.slot);
      }
      enter(value.as_dict().attributes(), visit.slot);
    } else {
      for_each_child(value, [&](const Value& child) { enter(child, visit.slot); });
    }
  }

  static void cut(const Visit& visit) {
    if (visit.slot == Slot::key) {  // a dict has made its hash of it
      fail_at(ErrorCode::unsupported, {}, "save it without the reference to itself",
              "a dict that contains itself in a key");
    }
    // What the machine has built is constant only for those who get it.
    const_cast<Value&>(*visit.value) = Value(Object::ancestor());
  }

  std::vector<Visit> pending_;
  std::unordered_map<const void*, bool> is_open_;
};

}  // namespace

SharedContainers::~SharedContainers() {
  for (const Value& container : containers_) empty(container);
}

void SharedContainers::add(const Value& value) {
  if (can_be_filled(value) && identities_.insert(value.identity()).second) {
    containers_.push_back(value);
  }
}

void SharedContainers::release(Value& value) {
  if (containers_.empty()) return;
  Cutter cutter;
  cutter.cut_below(value);
  // Also what the pickle has thrown away: nothing may keep itself alive.
  for (const Value& container : containers_) cutter.cut_below(container);
  containers_.clear();
}

}  // namespace torchkeep::pickle
