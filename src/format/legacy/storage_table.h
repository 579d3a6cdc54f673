// Which storages an object refers to, and where in the file their bytes are.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <torchkeep/value.h>

#include "format/legacy/header.h"
#include "format/legacy/section_storages.h"

namespace torchkeep::legacy {

class StorageTable {
 public:
  // A storage that the object refers to; once for each key.
  void declare(const std::string& key, StoredBytes stored);

  // Walks over the storages behind the list of their keys, where the stream stands, and checks that
  // they are those that were declared, each of the declared size, and that nothing follows.
  // Throws corrupt, unsupported.
  void locate(const Value& keys, pickle::Stream& stream, CountOrder order);

  // In the order of the file.
  const std::vector<StoredBytes>& stored() const { return stored_; }
  // The place in stored() of the storage with that key. Throws corrupt if it was not declared: the
  // file has changed since.
  std::size_t index(const std::string& key) const;

 private:
  void locate_next(const Value& key, pickle::Stream& stream, CountOrder order);

  // Ordered: keys from a file could be chosen to collide.
  std::map<std::string, StoredBytes> declared_;
  std::map<std::string, std::size_t> by_key_;
  std::vector<StoredBytes> stored_;
};

}  // namespace torchkeep::legacy
