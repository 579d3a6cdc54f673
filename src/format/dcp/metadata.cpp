#include "format/dcp/metadata.h"

#include <map>
#include <utility>

#include "base/fail.h"
#include "base/from_file.h"
#include "base/printable.h"
#include "format/dcp/coverage.h"
#include "format/dcp/python_object.h"
#include "format/pickle/decode.h"
#include "format/zip/record.h"

namespace torchkeep::dcp {
namespace {

Place at_item(std::string_view name) {
  Place place;
  place.tensor = printable(name);
  return place;
}

Location location_of(const Value& info) {
  expect_instance(info, "_StorageInfo");
  const Value transforms = attribute(info, "transform_descriptors");
  if (!transforms.is_none() && !(transforms.is_list() && transforms.size() == 0)) {
    fail(ErrorCode::unsupported, "its bytes are transformed by {}, which torchkeep cannot undo",
         to_string(transforms));
  }
  Location location{text(attribute(info, "relative_path"), "the path"),
                    count(attribute(info, "offset"), "the offset"),
                    count(attribute(info, "length"), "the length")};
  zip::check_record_name(location.file);
  return location;
}

// Where everything is, by name and, for tensors, by the offsets of the chunk.
class StorageIndex {
 public:
  explicit StorageIndex(const Value& storage_data) {
    if (!storage_data.is_dict()) {
      fail(ErrorCode::unsupported,
           "the checkpoint does not say in which files its data is (storage_data is {})",
           name(storage_data.kind()));
    }
    for (const auto& [key, info] : storage_data.as_dict()) add(key, info);
  }

  const Location& at(const std::string& item, const Shape& offsets) const {
    const auto found = locations_.find({item, offsets});
    if (found == locations_.end()) {
      fail(ErrorCode::corrupt, "the checkpoint does not say where its data at {} is",
           to_string(offsets));
    }
    return found->second;
  }

 private:
  void add(const Value& key, const Value& info) {
    expect_instance(key, "MetadataIndex");
    const std::string& item = text(attribute(key, "fqn"), "the name of an item");
    try {
      const Value offset = attribute(key, "offset");
      const Shape offsets = offset.is_none() ? Shape() : shape(offset, "the offset of a chunk");
      if (!locations_.try_emplace({item, offsets}, location_of(info)).second) {
        fail(ErrorCode::corrupt, "its data at {} is in two places", to_string(offsets));
      }
    } catch (Error& error) {
      error.add_place(at_item(item));
      throw;
    }
  }

  std::map<std::pair<std::string, Shape>, Location> locations_;
};

DType dtype_of_properties(const Value& properties) {
  expect_instance(properties, "TensorProperties");
  const Value& state = properties.as_object().state;
  // Older versions kept a tuple, newer ones the attributes.
  if (state.is_tuple() && state.size() > 0) return dtype(state[0]);
  return dtype(attribute(properties, "dtype"));
}

void read_tensor(const Value& metadata, const StorageIndex& storage, Item& item) {
  item.is_tensor = true;
  item.dtype = dtype_of_properties(attribute(metadata, "properties"));
  item.shape = shape(attribute(metadata, "size"), "the size");
  const Value chunks = attribute(metadata, "chunks");
  if (!chunks.is_list()) fail(ErrorCode::corrupt, "its chunks are no list");
  for (const Value& description : chunks.as_list()) {
    expect_instance(description, "ChunkStorageMetadata");
    Chunk chunk{shape(attribute(description, "offsets"), "the offset of a chunk"),
                shape(attribute(description, "sizes"), "the size of a chunk"),
                {}};
    if (count_elements(chunk.sizes) == 0) continue;
    chunk.location = storage.at(item.name, chunk.offsets);
    item.chunks.push_back(std::move(chunk));
  }
  check_chunks(item);
}

Item read_item(const Value& key, const Value& metadata, const StorageIndex& storage) {
  Item item;
  item.name = text(key, "the name of an item");
  try {
    from_file([&] {
      if (is_instance(metadata, "TensorStorageMetadata")) {
        read_tensor(metadata, storage, item);
      } else {
        expect_instance(metadata, "BytesStorageMetadata");
        item.location = storage.at(item.name, {});
      }
    });
  } catch (Error& error) {
    error.add_place(at_item(item.name));
    throw;
  }
  return item;
}

// Planners of other kinds keep something else there, or nothing.
std::unordered_map<std::string, List> read_paths(const Value& planner_data) {
  std::unordered_map<std::string, List> paths;
  if (!planner_data.is_dict()) return paths;
  for (const auto& [key, path] : planner_data.as_dict()) {
    if (!key.is_string() || !path.is_tuple() || path.size() == 0) return {};
    paths.emplace(key.as_string(), path.as_tuple());
  }
  return paths;
}

}  // namespace

Metadata parse_metadata(std::span<const std::byte> pickle, const Limits& limits) {
  pickle::Decoded decoded = pickle::decode(pickle, {}, limits);
  if (decoded.bytes_used != pickle.size()) {
    fail(ErrorCode::corrupt, "{} bytes follow the end of the pickle",
         pickle.size() - decoded.bytes_used);
  }
  const Value& root = decoded.value;
  expect_instance(root, "Metadata");
  const Value items = attribute(root, "state_dict_metadata");
  if (!items.is_dict()) fail(ErrorCode::corrupt, "has no dict state_dict_metadata");
  const StorageIndex storage(attribute(root, "storage_data"));
  Metadata metadata;
  for (const auto& [key, item] : items.as_dict()) {
    metadata.items.push_back(read_item(key, item, storage));
  }
  check_locations_distinct(metadata.items);
  metadata.paths = read_paths(attribute(root, "planner_data"));
  metadata.globals = std::move(decoded.globals);
  return metadata;
}

}  // namespace torchkeep::dcp
