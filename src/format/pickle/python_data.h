// Calls in a pickle that only make Python's own data: OrderedDict, set, bytes.
#pragma once

#include <optional>

#include <torchkeep/dict.h>
#include <torchkeep/value.h>

#include "format/pickle/budget.h"

namespace torchkeep::pickle {

// Nothing for any other call. Throws corrupt where the arguments cannot be right.
std::optional<Value> build_python_data(const Object& callee, const List& arguments, Budget& budget);

// Throws corrupt for a value that Python could not hash, and unsafe for tuples that repeat what
// they hold so often that comparing them would take for ever.
void check_key(const Value& key, Budget& budget);

// The members of a set in their order, each once.
class SetMembers {
 public:
  // Adds the items at the end that are not there yet, after check_key().
  void add(List items, Budget& budget);
  const List& in_order() const { return in_order_; }

 private:
  Dict index_;
  List in_order_;
};

}  // namespace torchkeep::pickle
