// The references in the pickle of the object to what stands outside of it.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>

#include <torchkeep/value.h>

namespace torchkeep::legacy {

// Takes what this format adds to the references of the newer ones: a sixth part that says which
// elements of the storage are meant, and classes with their source text.
class PersistentIds {
 public:
  // `load_storage` takes the id of a whole storage, of five parts.
  using LoadStorage = std::function<Value(const Value& id)>;

  explicit PersistentIds(LoadStorage load_storage) : load_storage_(std::move(load_storage)) {}

  // The storage, or the class; its source text is not looked at. Throws corrupt.
  Value load(const Value& id);

 private:
  struct View {
    Value root;
    Value storage;
  };

  Value load_view(const Value& root, const Value& metadata);

  LoadStorage load_storage_;
  std::map<std::string, View> views_;
};

}  // namespace torchkeep::legacy
