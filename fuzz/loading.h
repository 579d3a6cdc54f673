// Bytes as a file, through load(), with limits that suit a fuzzer.
#pragma once

#include <cstdint>
#include <string>

#include <torchkeep/error.h>
#include <torchkeep/load.h>

#include "memory_file.h"

namespace fuzz {

inline constexpr torchkeep::LoadOptions kOptions = {
    .limits = {.max_pickle_opcodes = 1'000'000,
               .max_memo_entries = 100'000,
               .max_stack_depth = 100'000,
               .max_value_bytes = std::uint64_t{64} << 20,
               .max_inflated_bytes = std::uint64_t{16} << 20,
               .max_logical_bytes = std::uint64_t{16} << 20},
    .threads = 1};

// Reads the elements of a tensor, or of those in a dict.
inline void read_all(const torchkeep::Value& value) {
  if (value.is_tensor()) value.as_tensor().contiguous(kOptions.limits.max_logical_bytes);
  if (!value.is_dict()) return;
  for (const auto& entry : value.as_dict()) {
    if (entry.second.is_tensor()) read_all(entry.second);
  }
}

// The value, of which every tensor has been read; none where the file is refused.
inline torchkeep::Value load(const std::string& path,
                             torchkeep::Access access,
                             torchkeep::Verify verify = torchkeep::Verify::what_is_read) {
  torchkeep::LoadOptions options = kOptions;
  options.access = access;
  options.verify = verify;
  try {
    torchkeep::Value value = torchkeep::load(path, options);
    to_string(value);
    read_all(value);
    return value;
  } catch (const torchkeep::Error& error) {
    if (error.code() == torchkeep::ErrorCode::internal) __builtin_trap();
    return {};
  }
}

}  // namespace fuzz
