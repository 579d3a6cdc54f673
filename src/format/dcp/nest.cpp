#include "format/dcp/nest.h"

#include "base/fail.h"
#include "base/printable.h"

namespace torchkeep::dcp {
namespace {

class Tree {
 public:
  // Gaps in lists are filled with none, as Python does, but only so many.
  explicit Tree(std::size_t values) : padding_left_(16 * values + 1024) {}

  void insert(const List& path, Value value) {
    Value container = root_;
    for (std::size_t i = 0; i + 1 < path.size(); ++i) {
      Value child = get(container, path[i]);
      if (child.is_none()) {
        // What comes next in the path says what it is.
        child = path[i + 1].is_int() ? Value(List()) : Value(Dict());
        set(container, path[i], child);
      }
      container = child;
    }
    if (!get(container, path.back()).is_none()) fail(ErrorCode::corrupt, "its path is taken");
    set(container, path.back(), std::move(value));
  }

  Value root() const { return root_; }

 private:
  // None where there is nothing under the key.
  static Value get(const Value& container, const Value& key) {
    if (key.is_string() && container.is_dict()) {
      const Value* found = container.as_dict().find(key);
      return found == nullptr ? Value() : *found;
    }
    if (!key.is_int() || key.as_int() < 0 || !container.is_list()) {
      fail(ErrorCode::corrupt, "its path contradicts those of other items");
    }
    const auto index = static_cast<std::size_t>(key.as_int());
    return index < container.size() ? container[index] : Value();
  }

  // The key is one that get() takes.
  void set(const Value& container, const Value& key, Value value) {
    if (container.is_dict()) return container.as_dict().set(key, std::move(value));
    List& list = container.as_list();
    const auto index = static_cast<std::size_t>(key.as_int());
    if (index >= list.size()) {
      const std::size_t added = index - list.size();
      if (added >= padding_left_) {
        fail(ErrorCode::corrupt, "its path has the absurd list index {}", index);
      }
      padding_left_ -= added;
      list.resize(index + 1);
    }
    list[index] = std::move(value);
  }

  Value root_ = Dict();
  std::size_t padding_left_;
};

}  // namespace

Value nest(std::vector<std::pair<std::string, Value>> values,
           const std::unordered_map<std::string, List>& paths) {
  Tree tree(values.size());
  for (auto& [name, value] : values) {
    const auto path = paths.find(name);
    try {
      tree.insert(path == paths.end() ? List{Value(name)} : path->second, std::move(value));
    } catch (Error& error) {
      Place place;
      place.tensor = printable(name);
      error.add_place(place);
      throw;
    }
  }
  return tree.root();
}

}  // namespace torchkeep::dcp
