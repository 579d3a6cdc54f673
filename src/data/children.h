// What a value holds.
#pragma once

#include <torchkeep/dict.h>
#include <torchkeep/object.h>
#include <torchkeep/tensor_extras.h>
#include <torchkeep/value.h>

namespace torchkeep {

// Calls `visit` with every value that `value` itself holds, dict keys included.
template <class Visit>
void for_each_child(const Value& value, Visit visit) {
  const auto visit_entries = [&](const auto& entries) {
    for (const auto& [key, item] : entries) {
      visit(key);
      visit(item);
    }
  };
  switch (value.kind()) {
    case Value::Kind::list:
    case Value::Kind::tuple:
    case Value::Kind::set:
      for (const Value& item : value.items()) visit(item);
      return;
    case Value::Kind::dict:
      visit_entries(value.as_dict());
      visit(value.as_dict().attributes());
      return;
    case Value::Kind::tensor:
      if (const auto& extras = value.as_tensor().extras()) {
        visit(extras->type);
        visit(extras->state);
      }
      return;
    case Value::Kind::object: {
      const Object& object = value.as_object();
      visit(object.callee());
      visit(object.arguments());
      visit(object.keyword_arguments);
      visit(object.state);
      for (const Value& item : object.list_items) visit(item);
      visit_entries(object.dict_items);
      return;
    }
    default:
      return;
  }
}

}  // namespace torchkeep
