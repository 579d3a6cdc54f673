// The leaves of a value with the names that lead to them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <torchkeep/value.h>

namespace torchkeep {

// Called with the keys and indexes on the way to a leaf, joined with dots.
using LeafVisitor = std::function<void(const std::string& name, const Value& leaf)>;

// Visits every leaf in the order of the file: all that is no container, empty containers, and
// objects. An object's arguments follow it where they hold tensors or containers: by name where
// they are known, such as `name.indices` of a sparse tensor, as `name.arguments.0` otherwise. The
// attributes of an object or tensor follow as `name.attribute`. Storages and arrays of NumPy are
// visited as tensors, numbers of NumPy as numbers. A container inside itself is visited as a leaf.
// Does not recurse. What several containers share is visited once for each; a leaf may be a
// temporary.
void visit_leaves(const Value& root, const LeafVisitor& visit);

// What lies directly below a value, in the forms in which leaves are visited; nothing for leaves.
struct Child {
  std::string key;
  Value value;
};
std::vector<Child> children_of(const Value& value);

// Whether the object's arguments say all in a few plain values, so that they are not visited.
bool has_plain_arguments(const Object& object);

}  // namespace torchkeep
