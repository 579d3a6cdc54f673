// Any bytes as a file to scan, to verify and to repair: there is a report, or an error.
#include <filesystem>
#include <string>
#include <vector>

#include <torchkeep/error.h>
#include <torchkeep/repair.h>
#include <torchkeep/scan.h>
#include <torchkeep/verify.h>

#include <unistd.h>

#include "fuzz_target.h"
#include "memory_file.h"

namespace {

constexpr torchkeep::Limits kLimits = {.max_pickle_opcodes = 1'000'000,
                                       .max_memo_entries = 100'000,
                                       .max_stack_depth = 100'000,
                                       .max_value_bytes = std::uint64_t{64} << 20,
                                       .max_inflated_bytes = std::uint64_t{1} << 20,
                                       .max_records = 10'000,
                                       .max_summary_bytes = std::uint64_t{1} << 20,
                                       .max_logical_bytes = std::uint64_t{16} << 20};

template <class Work>
void attempt(Work work) {
  try {
    work();
  } catch (const torchkeep::Error& error) {
    if (error.code() == torchkeep::ErrorCode::internal) __builtin_trap();
  }
}

std::filesystem::path output_path() {
  return std::filesystem::temp_directory_path() /
         ("torchkeep_fuzz_" + std::to_string(::getpid()) + ".pt");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const MemoryFile file(data, size);
  attempt([&] {
    const torchkeep::ScanReport report = torchkeep::scan(file.path(), {.limits = kLimits});
    to_string(report);
    torchkeep::to_json(std::vector{report});
  });
  attempt([&] {
    const auto report = torchkeep::verify(file.path(), {.limits = kLimits, .threads = 1});
    to_string(report);
    torchkeep::to_json(std::vector{report});
  });
  attempt([&] {
    const auto report = torchkeep::repair(file.path(), output_path(),
                                          {.fill_partial = size % 2 == 0,
                                           .limits = kLimits,
                                           .threads = 1,
                                           .durability = torchkeep::Durability::cached});
    to_string(report);
    // What was saved is whole.
    if (report.is_written &&
        torchkeep::verify(output_path()).verdict() != torchkeep::VerifyReport::Verdict::ok) {
      __builtin_trap();
    }
  });
  std::error_code error;
  std::filesystem::remove(output_path(), error);
  return 0;
}
