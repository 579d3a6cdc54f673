#include "format/pt/read.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/fail.h"
#include "format/pickle/decode.h"
#include "format/pt/archive.h"
#include "format/pt/storage_loader.h"
#include "format/pt/tensor_codec.h"

namespace torchkeep::pt {
namespace {

constexpr std::string_view kPickle = "data.pkl";

std::vector<std::byte> read_pickle(const Archive& archive, const LoadOptions& options) {
  const zip::Record& record = archive.at(kPickle);
  if (record.bytes > options.limits.max_pickle_bytes) {
    fail(ErrorCode::unsafe, "is too long (expected at most {} bytes, got {}: max_pickle_bytes)",
         options.limits.max_pickle_bytes, record.bytes);
  }
  return archive.reader().read(
      record, options.verify == Verify::nothing ? zip::Checksum::ignore : zip::Checksum::verify);
}

// What `call` gives; an error gets the record.
template <class Call>
auto in_pickle(Call call) {
  try {
    return call();
  } catch (Error& error) {
    Place place;
    place.record = kPickle;
    error.add_place(place);
    throw;
  }
}

pickle::Decoded decode_pickle(const Archive& archive,
                              TensorDecoder& tensors,
                              const LoadOptions& options) {
  const std::vector<std::byte> bytes = read_pickle(archive, options);
  pickle::Decoded decoded = pickle::decode(bytes, tensors.hooks(), options.limits);
  if (decoded.bytes_used != bytes.size()) {
    fail(ErrorCode::corrupt, "{} bytes follow the end of the pickle",
         bytes.size() - decoded.bytes_used);
  }
  return decoded;
}

// TorchScript began with a description in JSON.
void refuse_json_script(const zip::Reader& reader) {
  const auto has = [&](std::string_view name) {
    return std::ranges::any_of(reader.records(), [&](const zip::Record& record) {
      return std::string_view(record.name).substr(record.name.find('/') + 1) == name;
    });
  };
  if (has("model.json") && !has(kPickle)) {
    fail_at(ErrorCode::unsupported, {.record = "model.json"},
            "open it with PyTorch and save it again",
            "this is a TorchScript archive of PyTorch 1.0 or 1.1, which describes itself in JSON "
            "(expected data.pkl)");
  }
}

}  // namespace

bool recognises(const Probe& probe) {
  const zip::Reader* reader = probe.archive();
  if (reader == nullptr || reader->records().empty()) return false;
  const std::string& first = reader->records().front().name;
  const std::string root = first.substr(0, first.find('/') + 1);
  return !root.empty() && reader->find(root + std::string(kPickle)) != nullptr &&
         reader->find(root + "constants.pkl") == nullptr;
}

Loaded read(const Probe& probe, const LoadOptions& options) {
  return read(*probe.archive(), options);
}

Loaded read(const zip::Reader& reader, const LoadOptions& options) {
  refuse_json_script(reader);
  const Archive archive(reader);
  StorageLoader storages(archive, options);
  TensorDecoder tensors(
      [&](const std::string& key, std::optional<DType> dtype, const std::string& location,
          std::uint64_t size) { return storages.load(key, dtype, location, size); },
      options.limits);
  pickle::Decoded decoded = in_pickle([&] { return decode_pickle(archive, tensors, options); });
  storages.finish();
  in_pickle([&] { tensors.check_contents(); });
  return {std::move(decoded.value), std::move(decoded.globals)};
}

}  // namespace torchkeep::pt
