// Zip archives of any kind, also of kinds that no honest program writes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace torchkeep::testing {

// One record. The fields are written as they are, so that headers can contradict each other.
struct ZipEntry {
  struct Header {
    std::string name;
    std::uint16_t flags = 0x0800;
    std::uint16_t method = 0;
    std::uint32_t crc32 = 0;
    std::uint32_t stored_bytes = 0;
    std::uint32_t bytes = 0;
    std::string extra;
  };
  Header local;
  Header central;
  std::string data;        // as stored
  std::string descriptor;  // behind the data
  std::uint16_t made_by = 0;
  std::uint32_t attributes = 0;
  std::uint32_t offset_change = 0;  // added to the offset in the directory
};

// A stored record whose headers are right.
ZipEntry stored(std::string name, std::string data);
// A compressed record whose headers are right.
ZipEntry deflated(std::string name, const std::string& data);

// The end of the archive; what is not changed here is right.
struct ZipEnd {
  std::uint16_t disk = 0;
  std::uint16_t records_change = 0;
  std::uint32_t directory_bytes_change = 0;
  std::uint32_t directory_offset_change = 0;
  std::string before_directory = {};
  std::string before_end = {};
  std::string comment = {};
};

std::string build_zip(const std::vector<ZipEntry>& entries, const ZipEnd& end = {});

}  // namespace torchkeep::testing
