// Pickles with tensors, together with their storages, without an archive around them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fail.h"
#include "format/pickle/pickle_bytes.h"
#include "format/pt/tensor_codec.h"

namespace torchkeep::testing {

struct PtPickle {
  std::string bytes;
  std::vector<Storage> storages;  // of key 0, 1, 2, ...
};

inline PtPickle encoded_pt(const Value& value) {
  pt::TensorEncoder encoder;
  std::string bytes = pickle::encode(value, encoder.hooks());
  return {std::move(bytes), encoder.storages()};
}

// As a reader of an archive does: the storage must be there and have the declared size.
inline Value decoded_pt(const PtPickle& from, const Limits& limits = {}) {
  pt::TensorDecoder decoder(
      [&from](const std::string& key, std::optional<DType> dtype, const std::string& location,
              std::uint64_t bytes) {
        const std::size_t index = std::stoul(key);
        if (index >= from.storages.size()) fail(ErrorCode::corrupt, "no record data/{}", key);
        const Storage& storage = from.storages[index];
        if (storage.size_bytes() != bytes) {
          fail(ErrorCode::corrupt, "data/{} has {} bytes, not {}", key, storage.size_bytes(),
               bytes);
        }
        return Storage(storage.mutable_bytes().data(), bytes, std::make_shared<Storage>(storage),
                       dtype, location);
      },
      limits);
  Value value = pickle::decode(as_bytes(from.bytes), decoder.hooks(), limits).value;
  decoder.check_contents();
  return value;
}

inline Value round_trip(const Value& value) { return decoded_pt(encoded_pt(value)); }

}  // namespace torchkeep::testing
