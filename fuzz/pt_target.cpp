// Any bytes as a file, through load(). Tensors that come out lie in memory that is theirs.
#include <string>
#include <vector>

#include <torchkeep/error.h>
#include <torchkeep/load.h>
#include <torchkeep/state_dict.h>

#include "fuzz_target.h"
#include "memory_file.h"

namespace {

constexpr torchkeep::LoadOptions kOptions = {
    .limits = {.max_pickle_opcodes = 1'000'000,
               .max_memo_entries = 100'000,
               .max_stack_depth = 100'000,
               .max_value_bytes = std::uint64_t{64} << 20,
               .max_inflated_bytes = std::uint64_t{16} << 20,
               .max_logical_bytes = std::uint64_t{16} << 20},
    .threads = 1};

void read_all(const torchkeep::Value& value) {
  if (value.is_tensor()) value.as_tensor().contiguous(kOptions.limits.max_logical_bytes);
  if (!value.is_dict()) return;
  for (const auto& entry : value.as_dict()) {
    if (entry.second.is_tensor()) read_all(entry.second);
  }
}

void load(const std::string& path, torchkeep::Access access) {
  torchkeep::LoadOptions options = kOptions;
  options.access = access;
  try {
    const torchkeep::Value value = torchkeep::load(path, options);
    to_string(value);
    read_all(value);
  } catch (const torchkeep::Error& error) {
    if (error.code() == torchkeep::ErrorCode::internal) __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const MemoryFile file(data, size);
  load(file.path(), torchkeep::Access::read);
  load(file.path(), torchkeep::Access::map);
  return 0;
}
