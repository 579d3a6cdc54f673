#include "inspect/replace_tensors.h"

#include <unordered_set>
#include <utility>
#include <vector>

namespace torchkeep::inspection {
namespace {

class Replacement {
 public:
  explicit Replacement(const ReplaceTensor& replace) : replace_(replace) {}

  std::size_t run(Value& root) {
    visit(root);
    while (!pending_.empty()) {
      const Value container = std::move(pending_.back());
      pending_.pop_back();
      open(container);
    }
    return unchangeable_;
  }

 private:
  void visit(Value& value) {
    if (value.is_tensor()) {
      value = Value(replace_(value.as_tensor()));
    } else {
      enqueue(value);
    }
  }

  void count(const Value& value) {
    if (value.is_tensor()) {
      ++unchangeable_;
    } else {
      enqueue(value);
    }
  }

  void enqueue(const Value& value) {
    const bool is_container = value.is_dict() || value.is_list() || value.is_tuple() ||
                              value.is_set() || value.is_object();
    if (is_container && seen_.insert(value.identity()).second) pending_.push_back(value);
  }

  void open(const Value& container) {
    if (container.is_dict()) {
      open_dict(container.as_dict());
    } else if (container.is_list()) {
      for (Value& item : container.as_list()) visit(item);
    } else if (container.is_object()) {
      Object& object = container.as_object();
      count(object.arguments());
      visit(object.keyword_arguments);
      visit(object.state);
      for (Value& item : object.list_items) visit(item);
      for (auto& [key, value] : object.dict_items) visit(value);
    } else {
      for (const Value& item : container.items()) count(item);
    }
  }

  void open_dict(Dict& dict) {
    std::vector<Dict::Entry> changed;
    for (const auto& [key, value] : dict) {
      if (value.is_tensor()) {
        changed.emplace_back(key, Value(replace_(value.as_tensor())));
      } else {
        enqueue(value);
      }
    }
    for (auto& [key, value] : changed) dict.set(std::move(key), std::move(value));
  }

  const ReplaceTensor& replace_;
  std::vector<Value> pending_;
  std::unordered_set<const void*> seen_;
  std::size_t unchangeable_ = 0;
};

}  // namespace

std::size_t replace_tensors(Value& root, const ReplaceTensor& replace) {
  return Replacement(replace).run(root);
}

}  // namespace torchkeep::inspection
