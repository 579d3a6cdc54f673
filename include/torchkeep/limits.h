// How much a file may ask for before it is refused.
#pragma once

#include <cstdint>

namespace torchkeep {

// Every size that a file declares is compared with the bytes that are there; these caps bound what
// is left: what a small file could make large. Exceeding one is an Error of code unsafe that names
// the limit.
struct Limits {
  std::uint64_t max_pickle_bytes = std::uint64_t{256} << 20;  // of one pickle
  std::uint64_t max_pickle_opcodes = 100'000'000;
  std::uint64_t max_memo_entries = 20'000'000;
  std::uint64_t max_stack_depth = 1'000'000;                   // nesting and pending items
  std::uint64_t max_int_bytes = 1024;                          // of one integer
  std::uint64_t max_value_bytes = std::uint64_t{4} << 30;      // of one pickle's values, estimated
  std::uint64_t max_inflated_bytes = std::uint64_t{1} << 30;   // of all compressed records together
  std::uint64_t max_records = 10'000'000;                      // of an archive
  std::uint64_t max_summary_bytes = std::uint64_t{256} << 20;  // of the names in a Summary
  std::uint64_t max_modules = 100'000;                         // of one whole model
  std::uint64_t max_logical_bytes = std::uint64_t{1}
                                    << 40;  // of one tensor that repeats by stride 0
};

}  // namespace torchkeep
