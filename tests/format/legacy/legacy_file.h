// Files of pickles that follow each other, with parts that can be changed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <torchkeep/value.h>

#include "base/byte_reader.h"
#include "format/pickle/encode.h"
#include "format/pickle/pickle_bytes.h"
#include "format/pt/tensor_codec.h"

namespace torchkeep::testing {

struct LegacyFile {
  struct Stored {
    std::uint64_t count = 0;
    std::string data;
  };
  std::string magic = pickle("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.");
  std::string protocol = pickle("\x80\x02M\xe9\x03.");
  std::string sys_info = pickle("\x80\x02}X\x0d\0\0\0little_endian\x88s.");
  std::string object;
  std::string keys;
  std::vector<Stored> storages;  // in the order of the keys
  std::string rest;

  std::string bytes() const {
    std::string result = magic + protocol + sys_info + object + keys;
    for (const Stored& stored : storages) {
      append_number(result, stored.count);
      result += stored.data;
    }
    return result + rest;
  }
  // Where the object begins.
  std::size_t object_offset() const { return magic.size() + protocol.size() + sys_info.size(); }
};

inline std::string encoded_keys(const std::vector<std::string>& keys) {
  List list;
  for (const std::string& key : keys) list.emplace_back(key);
  return pickle::encode(list);
}

// The file of a value with at most ten storages.
inline LegacyFile legacy_file(const Value& value) {
  pt::TensorEncoder tensors({}, pt::TensorEncoder::StorageIds::with_view);
  LegacyFile file;
  file.object = pickle::encode(value, tensors.hooks());
  std::vector<std::string> keys;
  for (const Storage& storage : tensors.storages()) {
    keys.push_back(std::to_string(keys.size()));
    const auto bytes = storage.bytes();
    const std::uint64_t item =
        storage.dtype() ? static_cast<std::uint64_t>(item_bytes(*storage.dtype())) : 1;
    file.storages.push_back(
        {bytes.size() / item, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}});
  }
  file.keys = encoded_keys(keys);
  return file;
}

}  // namespace torchkeep::testing
