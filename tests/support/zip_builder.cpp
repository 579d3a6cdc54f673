#include "support/zip_builder.h"

#include <memory>
#include <utility>

#include <libdeflate.h>

namespace torchkeep::testing {
namespace {

void put(std::string& out, std::uint64_t number, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>((number >> (8 * i)) & 0xFF));
}

void put_common(std::string& out, const ZipEntry::Header& header) {
  put(out, 0, 2);  // version needed
  put(out, header.flags, 2);
  put(out, header.method, 2);
  put(out, 0, 4);  // time and date
  put(out, header.crc32, 4);
  put(out, header.stored_bytes, 4);
  put(out, header.bytes, 4);
  put(out, header.name.size(), 2);
  put(out, header.extra.size(), 2);
}

ZipEntry entry(ZipEntry::Header header, std::string data) {
  ZipEntry result;
  result.local = header;
  result.central = std::move(header);
  result.data = std::move(data);
  return result;
}

std::uint32_t size_of(const std::string& text) { return static_cast<std::uint32_t>(text.size()); }

}  // namespace

ZipEntry stored(std::string name, std::string data) {
  ZipEntry::Header header;
  header.name = std::move(name);
  header.crc32 = libdeflate_crc32(0, data.data(), data.size());
  header.stored_bytes = header.bytes = size_of(data);
  return entry(std::move(header), std::move(data));
}

ZipEntry deflated(std::string name, const std::string& data) {
  const std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)> compressor(
      libdeflate_alloc_compressor(6), libdeflate_free_compressor);
  std::string compressed(libdeflate_deflate_compress_bound(compressor.get(), data.size()), '\0');
  compressed.resize(libdeflate_deflate_compress(compressor.get(), data.data(), data.size(),
                                                compressed.data(), compressed.size()));
  ZipEntry::Header header;
  header.name = std::move(name);
  header.method = 8;
  header.crc32 = libdeflate_crc32(0, data.data(), data.size());
  header.stored_bytes = size_of(compressed);
  header.bytes = size_of(data);
  return entry(std::move(header), std::move(compressed));
}

std::string build_zip(const std::vector<ZipEntry>& entries, const ZipEnd& end) {
  std::string archive;
  std::string directory;
  for (const ZipEntry& entry : entries) {
    const std::uint32_t offset = size_of(archive) + entry.offset_change;
    archive += "PK\3\4";
    put_common(archive, entry.local);
    archive += entry.local.name + entry.local.extra + entry.data + entry.descriptor;
    directory += "PK\1\2";
    put(directory, entry.made_by, 2);
    put_common(directory, entry.central);
    put(directory, 0, 2 + 2 + 2);  // comment, disk, internal attributes
    put(directory, entry.attributes, 4);
    put(directory, offset, 4);
    directory += entry.central.name + entry.central.extra;
  }
  archive += end.before_directory;
  const std::uint32_t directory_offset = size_of(archive);
  archive += directory + end.before_end + "PK\5\6";
  put(archive, end.disk, 2);
  put(archive, end.disk, 2);
  put(archive, entries.size() + end.records_change, 2);
  put(archive, entries.size() + end.records_change, 2);
  put(archive, size_of(directory) + end.directory_bytes_change, 4);
  put(archive, directory_offset + end.directory_offset_change, 4);
  put(archive, end.comment.size(), 2);
  return archive + end.comment;
}

}  // namespace torchkeep::testing
