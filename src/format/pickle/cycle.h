// Containers that contain themselves. Python's garbage collector frees them; reference counts do
// not.
#pragma once

#include <unordered_set>
#include <vector>

#include <torchkeep/value.h>

namespace torchkeep::pickle {

// The containers that a pickle got a second reference to while they could still be filled. Every
// cycle goes through one of them: to close it, its container must be on the stack, to be filled,
// and inside the value it is filled with.
class SharedContainers {
 public:
  SharedContainers() = default;
  SharedContainers(const SharedContainers&) = delete;
  SharedContainers& operator=(const SharedContainers&) = delete;
  // Empties the containers unless release() was called, so that no cycle keeps itself alive.
  ~SharedContainers();

  void add(const Value& value);  // ignores what cannot be filled

  // Hands the containers over to `value`, which holds them. Where it contains itself, the reference
  // back becomes an Object::ancestor(). Throws unsupported where that reference is in a dict's key.
  void release(Value& value);

 private:
  std::vector<Value> containers_;
  std::unordered_set<const void*> identities_;
};

}  // namespace torchkeep::pickle
