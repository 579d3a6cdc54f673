#include "format/dcp/dcp_directory.h"

#include <span>

#include "format/pickle/encode.h"
#include "format/pt/write.h"
#include "io/atomic_file.h"

namespace torchkeep::testing {
namespace {

constexpr const char* kModule = "torch.distributed.checkpoint.metadata";

}  // namespace

Value DcpDirectory::instance(const std::string& module, const std::string& name, Value state) {
  Object object = Object::instance(Object::global(module, name), tuple({}));
  object.state = std::move(state);
  return object;
}

Value DcpDirectory::size(const Shape& shape) {
  return Object::call(Object::global("torch", "Size"),
                      tuple({Value(Tuple{List(shape.begin(), shape.end())})}));
}

Value DcpDirectory::properties(const std::string& dtype) {
  return instance(kModule, "TensorProperties",
                  tuple({Object::global("torch", dtype),
                         Object::call(Object::global("torch.serialization", "_get_layout"),
                                      tuple({"torch.strided"})),
                         false, 0, false}));
}

Value DcpDirectory::storage_info(const std::string& file,
                                 std::int64_t offset,
                                 std::int64_t length) {
  return instance("torch.distributed.checkpoint.filesystem", "_StorageInfo",
                  dict({{"relative_path", file}, {"offset", offset}, {"length", length}}));
}

void DcpDirectory::add_tensor(const std::string& name,
                              const std::string& dtype,
                              const Shape& shape,
                              const std::vector<std::pair<Shape, Tensor>>& chunks) {
  const Value list_of_chunks = list({});
  for (const auto& [offsets, tensor] : chunks) {
    list_of_chunks.as_list().push_back(
        instance(kModule, "ChunkStorageMetadata",
                 dict({{"offsets", size(offsets)}, {"sizes", size(tensor.shape())}})));
    add_location(name, size(offsets), append(archive(tensor)));
  }
  state_dict_metadata.as_dict().set(name, instance(kModule, "TensorStorageMetadata",
                                                   dict({{"properties", properties(dtype)},
                                                         {"size", size(shape)},
                                                         {"chunks", list_of_chunks}})));
}

void DcpDirectory::add_value(const std::string& name, const Value& value) {
  state_dict_metadata.as_dict().set(name, instance(kModule, "BytesStorageMetadata", Value()));
  add_location(name, Value(), append(archive(value)));
}

void DcpDirectory::add_location(const std::string& name, const Value& offset, Value info) {
  const Value state = dict({{"fqn", name}, {"index", Value()}});
  if (!offset.is_none()) state.as_dict().set("offset", offset);
  storage_data.as_dict().set(instance(kModule, "MetadataIndex", state), std::move(info));
}

Value DcpDirectory::append(const std::string& bytes) {
  const auto offset = static_cast<std::int64_t>(data.size());
  data += bytes;
  return storage_info(kDataFile, offset, static_cast<std::int64_t>(bytes.size()));
}

std::string DcpDirectory::archive(const Value& value) {
  std::string bytes;
  pt::write(value, "archive.pt", {}, [&](std::span<const std::byte> part) {
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
  });
  return bytes;
}

void DcpDirectory::write(const std::filesystem::path& directory) const {
  const Value metadata = instance(kModule, "Metadata",
                                  dict({{"state_dict_metadata", state_dict_metadata},
                                        {"planner_data", planner_data},
                                        {"storage_data", storage_data}}));
  io::write_file(directory / ".metadata", pickle::encode(metadata), Durability::cached);
  io::write_file(directory / kDataFile, data, Durability::cached);
}

}  // namespace torchkeep::testing
