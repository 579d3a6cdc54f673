#include "data/number_kind.h"

#include <algorithm>

namespace torchkeep {
namespace {

bool same_number(const Value& a, const Value& b) {
  return a.is_number() && b.is_number() && a.as_double() == b.as_double();
}

bool same_numbers(const Value& a, const Value& b) {
  const bool comparable = (a.is_list() && b.is_list()) || (a.is_tuple() && b.is_tuple());
  return comparable && std::equal(a.items().begin(), a.items().end(), b.items().begin(),
                                  b.items().end(), same_number);
}

}  // namespace

Value keep_kind(Value now, const Value* before) {
  if (before && (same_number(now, *before) || same_numbers(now, *before))) return *before;
  return now;
}

}  // namespace torchkeep
