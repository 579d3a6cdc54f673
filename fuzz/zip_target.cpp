// Any bytes as a zip archive. What the strict reader takes, the tolerant one finds as well.
#include <string>

#include <torchkeep/error.h>

#include "format/zip/reader.h"
#include "format/zip/salvage.h"
#include "fuzz_target.h"
#include "io/checksum.h"
#include "memory_file.h"

namespace {

constexpr torchkeep::Limits kLimits = {.max_inflated_bytes = std::uint64_t{1} << 20,
                                       .max_records = 10'000};

void salvage_all(std::span<const std::byte> bytes) {
  const torchkeep::zip::Salvage found = torchkeep::zip::salvage(bytes, kLimits);
  std::uint64_t left = kLimits.max_inflated_bytes;
  for (const auto& salvaged : found.records) {
    const torchkeep::zip::Record& record = salvaged.record;
    if (record.data_offset > bytes.size() ||
        record.stored_bytes > bytes.size() - record.data_offset) {
      __builtin_trap();
    }
    const auto content = torchkeep::zip::content_of(bytes, record, left);
    left -= content.inflated.size();
    torchkeep::zip::matches_checksum(salvaged, torchkeep::io::crc32(content.bytes));
  }
}

void read_all(const std::string& path, std::span<const std::byte> bytes) {
  try {
    const auto file = std::make_shared<const torchkeep::io::InputFile>(path);
    const torchkeep::zip::Reader reader(file, kLimits);
    const torchkeep::zip::Salvage found = torchkeep::zip::salvage(bytes, kLimits);
    if (found.records.size() != reader.records().size()) __builtin_trap();
    for (const torchkeep::zip::Record& record : reader.records()) reader.read(record);
  } catch (const torchkeep::Error& error) {
    if (error.code() == torchkeep::ErrorCode::internal) __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  salvage_all(bytes);
  if (size == 0) return 0;
  const MemoryFile file(data, size);
  read_all(file.path(), bytes);
  return 0;
}
