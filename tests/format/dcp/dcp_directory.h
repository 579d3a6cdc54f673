// Directories of torch.distributed.checkpoint, right or wrong.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include <torchkeep/tensor.h>
#include <torchkeep/value.h>

namespace torchkeep::testing {

// Collects what the `.metadata` says and what the one data file holds. The parts are plain values,
// so that a test can change them before they are written.
class DcpDirectory {
 public:
  static constexpr const char* kDataFile = "__0_0.distcp";

  static Value instance(const std::string& module, const std::string& name, Value state);
  static Value size(const Shape& shape);
  static Value properties(const std::string& dtype);
  static Value storage_info(const std::string& file, std::int64_t offset, std::int64_t length);

  // A tensor of that shape in chunks: each a pair of its offsets and its elements.
  void add_tensor(const std::string& name,
                  const std::string& dtype,
                  const Shape& shape,
                  const std::vector<std::pair<Shape, Tensor>>& chunks);
  void add_value(const std::string& name, const Value& value);
  // An entry of storage_data.
  void add_location(const std::string& name, const Value& offset, Value info);
  // Appends to the data file; gives the entry that says where.
  Value append(const std::string& bytes);
  // What torch.save writes to a stream.
  static std::string archive(const Value& value);

  void write(const std::filesystem::path& directory) const;

  Value state_dict_metadata = dict({});
  Value storage_data = dict({});
  Value planner_data;
  std::string data;
};

}  // namespace torchkeep::testing
