#include "data/leaves.h"

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <vector>

#include <torchkeep/tensor_extras.h>

#include "data/numpy.h"
#include "data/part_names.h"

namespace torchkeep {
namespace {

constexpr std::size_t kMostPlainItems = 64;
constexpr int kDeepestPlainItem = 3;

// A container that is being visited.
struct Frame {
  const void* identity = nullptr;
  std::vector<Child> children;
  std::size_t next = 0;
  std::size_t name_bytes = 0;  // of its own name
};

std::string key_text(const Value& key) {
  return key.is_string() ? key.as_string() : to_string(key);
}

void add_items(const List& items, const std::string& prefix, std::vector<Child>& children) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    children.push_back({prefix + std::to_string(i), items[i]});
  }
}

void add_entries(const Dict& dict, std::vector<Child>& children) {
  for (const auto& [key, value] : dict) children.push_back({key_text(key), value});
}

void add_state(const Value& state, std::vector<Child>& children) {
  if (state.is_dict()) {
    add_entries(state.as_dict(), children);
  } else if (!state.is_none()) {
    children.push_back({"state", state});
  }
}

// The arguments by their names where they are known, by their numbers otherwise.
void add_arguments(const Object& object, std::vector<Child>& children) {
  const std::vector<NamedPart> parts = named_parts(object);
  for (const auto& [name, value] : parts) {
    if (name.empty()) {
      add_state(value, children);
    } else {
      children.push_back({std::string(name), value});
    }
  }
  if (parts.empty() && !has_plain_arguments(object) && object.arguments().is_tuple()) {
    add_items(object.arguments().as_tuple(), "arguments.", children);
  }
}

void add_parts(const Object& object, std::vector<Child>& children) {
  add_arguments(object, children);
  if (object.keyword_arguments.is_dict()) {
    children.push_back({"keyword_arguments", object.keyword_arguments});
  }
  add_state(object.state, children);
  add_items(object.list_items, "", children);
  for (const auto& [key, value] : object.dict_items) children.push_back({key_text(key), value});
}

// What is an array or a number in another form.
Value plain_form(const Value& value) {
  if (value.is_storage()) {
    const Storage& storage = value.as_storage();
    const DType dtype = storage.dtype().value_or(DType::uint8);
    const auto items = static_cast<std::int64_t>(storage.size_bytes()) / item_bytes(dtype);
    return Tensor(storage, dtype, {items * items_per_byte(dtype)});
  }
  if (!value.is_object()) return value;
  if (const auto tensor = tensor_from_numpy(value.as_object())) return *tensor;
  return number_from_numpy(value.as_object()).value_or(value);
}

// Recursion ends at kDeepestPlainItem. `left` counts down the items there may be.
bool is_plain(const Value& value, int depth, std::size_t& left) {
  if (left-- == 0 || depth > kDeepestPlainItem) {
    left = 0;
    return false;
  }
  switch (value.kind()) {
    case Value::Kind::tensor:
    case Value::Kind::storage:
    case Value::Kind::dict:
      return false;
    case Value::Kind::list:
    case Value::Kind::tuple:
    case Value::Kind::set:
      return std::ranges::all_of(
          value.items(), [&](const Value& item) { return is_plain(item, depth + 1, left); });
    case Value::Kind::object:
      return value.as_object().form() == Object::Form::global;
    default:
      return true;
  }
}

class Walk {
 public:
  explicit Walk(const LeafVisitor& visit) : visit_(visit) {}

  void run(const Value& root) {
    enter(plain_form(root));
    while (!frames_.empty()) {
      Frame& frame = frames_.back();
      name_.resize(frame.name_bytes);
      if (frame.next == frame.children.size()) {
        on_path_.erase(frame.identity);
        frames_.pop_back();
        continue;
      }
      Child child = std::move(frame.children[frame.next++]);
      if (frames_.size() > 1) name_ += '.';
      name_ += child.key;
      enter(child.value);
    }
  }

 private:
  void enter(const Value& value) {
    const bool is_cycle = on_path_.contains(value.identity());
    std::vector<Child> children = is_cycle ? std::vector<Child>() : children_of(value);
    if (children.empty() || value.is_object() || value.is_tensor()) visit_(name_, value);
    if (children.empty()) return;
    on_path_.insert(value.identity());
    frames_.push_back({value.identity(), std::move(children), 0, name_.size()});
  }

  const LeafVisitor& visit_;
  std::string name_;
  std::vector<Frame> frames_;
  std::unordered_set<const void*> on_path_;
};

}  // namespace

std::vector<Child> children_of(const Value& value) {
  std::vector<Child> children;
  if (value.is_list() || value.is_tuple() || value.is_set()) {
    add_items(value.items(), "", children);
  } else if (value.is_dict()) {
    add_entries(value.as_dict(), children);
  } else if (value.is_object()) {
    add_parts(value.as_object(), children);
  } else if (value.is_tensor() && value.as_tensor().extras() != nullptr) {
    add_state(value.as_tensor().extras()->state, children);
  }
  for (Child& child : children) child.value = plain_form(child.value);
  return children;
}

bool has_plain_arguments(const Object& object) {
  std::size_t left = kMostPlainItems;
  return named_parts(object).empty() && object.arguments().is_tuple() &&
         is_plain(object.arguments(), 0, left);
}

void visit_leaves(const Value& root, const LeafVisitor& visit) { Walk(visit).run(root); }

}  // namespace torchkeep
