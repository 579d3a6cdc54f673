// Reads zip archives, strictly: what two readers could understand in two ways is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <torchkeep/limits.h>

#include "base/seeded_hash.h"
#include "format/zip/record.h"
#include "io/input_file.h"

namespace torchkeep::zip {

// Whether bytes are compared with the record's checksum, where it has one.
enum class Checksum { verify, ignore };

// The records of an archive. Pointers to them live as long as the reader. Safe to use from several
// threads.
class Reader {
 public:
  // Reads and checks the directory and every header. Throws corrupt, unsupported, unsafe, io.
  Reader(std::shared_ptr<const io::InputFile> file, const Limits& limits);
  Reader(Reader&&) = default;
  Reader& operator=(Reader&&) = default;

  const io::InputFile& file() const { return *file_; }
  const std::vector<Record>& records() const { return records_; }  // in the directory's order
  const Record* find(std::string_view name) const;                 // null if there is none

  // The content of a record, inflated. Throws corrupt, io.
  std::vector<std::byte> read(const Record& record, Checksum checksum = Checksum::verify) const;
  // The same into memory of record.bytes bytes.
  void read(const Record& record, std::span<std::byte> target, Checksum checksum) const;

 private:
  std::shared_ptr<const io::InputFile> file_;
  std::vector<Record> records_;
  std::unordered_map<std::string_view, const Record*, SeededHash> by_name_;
};

// Throws corrupt, with the record, where `crc32` is not the record's.
void check_checksum(const Record& record, std::uint32_t crc32);

}  // namespace torchkeep::zip
