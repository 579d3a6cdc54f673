// Writes a value as a pickle of protocol 2, byte for byte as CPython's pickler would.
#pragma once

#include <functional>
#include <string>

#include <torchkeep/value.h>

namespace torchkeep::pickle {

// How the format around the pickle writes what the pickle does not know.
struct EncodeHooks {
  // The persistent id (a tuple) of a storage.
  std::function<Value(const Storage&)> persistent_id;
  // The call that rebuilds a tensor: an object of form call whose arguments hold the storage.
  std::function<Value(const Tensor&)> reduce_tensor;
};

// Throws unsupported for a value that contains itself or needs a hook that is not there.
std::string encode(const Value& value, const EncodeHooks& hooks = {});

}  // namespace torchkeep::pickle
