#include "format/zip/salvage.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <zlib.h>

#include "base/byte_reader.h"
#include "format/zip/layout.h"
#include "format/zip/salvage_directory.h"

namespace torchkeep::zip {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kNotFound = std::string_view::npos;

struct Descriptor {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint32_t crc32 = 0;
};

void add_checksum(Salvaged& salvaged, std::uint32_t crc32) {
  if (crc32 != 0 && std::ranges::find(salvaged.checksums, crc32) == salvaged.checksums.end()) {
    salvaged.checksums.push_back(crc32);
  }
}

class Search {
 public:
  Search(std::span<const std::byte> file, const Limits& limits)
      : file_(file),
        text_(reinterpret_cast<const char*>(file.data()), file.size()),
        limits_(limits),
        searches_left_(file.size() * 16 + (std::uint64_t{1} << 20)) {}

  Salvage run() {
    std::optional<LooseDirectory> directory = find_directory(file_, limits_);
    found_.directory_offset = directory ? directory->offset : file_.size();
    if (directory) add_listed(directory->entries);
    add_unlisted(directory ? directory->offset : file_.size());
    std::ranges::stable_sort(found_.records, {},
                             [](const Salvaged& s) { return s.record.header_offset; });
    if (!directory || !directory->has_end) {
      add_flaw(file_.size(), file_.size(), "the archive has no end: the file may be truncated");
    } else if (directory->end < file_.size()) {
      add_flaw(directory->end, file_.size(), "bytes follow the end of the archive");
    }
    return std::move(found_);
  }

 private:
  void add_flaw(std::uint64_t begin, std::uint64_t end, std::string problem) {
    found_.flaws.push_back({begin, end, std::move(problem)});
  }

  void add_listed(std::vector<Record>& entries) {
    std::vector<std::uint64_t> starts = {found_.directory_offset};
    for (const Record& entry : entries) starts.push_back(entry.header_offset);
    std::ranges::sort(starts);
    for (Record& entry : entries) {
      const auto next = std::ranges::upper_bound(starts, entry.header_offset);
      add_listed(std::move(entry), next == starts.end() ? found_.directory_offset : *next);
    }
  }

  // The record of an entry; `next` is where the one behind it begins.
  void add_listed(Record entry, std::uint64_t next) {
    Salvaged salvaged;
    salvaged.is_listed = true;
    add_checksum(salvaged, entry.crc32);
    const std::optional<Record> header = read_loose_header(file_, entry.header_offset);
    if (header) {
      salvaged.has_header = true;
      entry.data_offset = header->data_offset;
      compare(entry, *header, salvaged);
    } else {
      salvaged.problem = "the header of the record is damaged";
      entry.data_offset = find_data(entry, next);
    }
    salvaged.record = std::move(entry);
    finish(std::move(salvaged), next);
  }

  // Data without a header: it ends where what follows begins.
  std::uint64_t find_data(const Record& entry, std::uint64_t next) const {
    for (const std::uint64_t behind : {kDescriptorBytes, kZip64DescriptorBytes}) {
      if (next < behind || entry.stored_bytes > next - behind) continue;
      const std::uint64_t end = next - behind;
      if (text_.substr(static_cast<std::size_t>(std::min<std::uint64_t>(end, file_.size())))
              .starts_with("PK\7\10"sv)) {
        return end - entry.stored_bytes;
      }
    }
    return entry.stored_bytes <= next ? next - entry.stored_bytes : file_.size();
  }

  void compare(Record& entry, const Record& header, Salvaged& salvaged) const {
    const bool has_descriptor =
        ((entry.flags | header.flags) & kHasDescriptor) != 0 && header.stored_bytes == 0;
    std::string differing;
    const auto note = [&](bool differs, std::string_view what) {
      if (differs) differing += (differing.empty() ? "" : ", ") + std::string(what);
    };
    note(entry.name != header.name, "name");
    note(entry.flags != header.flags, "flags");
    note(entry.method != header.method, "method");
    note(!has_descriptor &&
             (entry.stored_bytes != header.stored_bytes || entry.bytes != header.bytes),
         "sizes");
    note(!has_descriptor && entry.crc32 != header.crc32, "checksum");
    if (differing.empty()) return;
    salvaged.problem =
        "the record's own header and the directory of the archive disagree: " + differing;
    if (!has_descriptor) add_checksum(salvaged, header.crc32);
  }

  // Cuts the record to the file, looks for its descriptor and appends it.
  void finish(Salvaged salvaged, std::uint64_t limit) {
    Record& record = salvaged.record;
    record.data_offset = std::min<std::uint64_t>(record.data_offset, file_.size());
    if (salvaged.has_header && (record.flags & kHasDescriptor) != 0 && record.stored_bytes > 0) {
      use_descriptor(salvaged, limit);
    }
    const std::uint64_t available = file_.size() - record.data_offset;
    if (record.stored_bytes > available) {
      record.stored_bytes = available;
      salvaged.is_complete = false;
    }
    salvaged.end = std::max(salvaged.end, record.data_end());
    record.crc32 = salvaged.checksums.empty() ? 0 : salvaged.checksums.front();
    found_.records.push_back(std::move(salvaged));
  }

  void use_descriptor(Salvaged& salvaged, std::uint64_t limit) {
    Record& record = salvaged.record;
    std::optional<Descriptor> descriptor = descriptor_at(record.data_end(), record.data_offset);
    if (!descriptor) {
      if (salvaged.problem.empty()) {
        salvaged.problem = "the descriptor behind the data disagrees with the directory";
      }
      descriptor = find_descriptor(record.data_offset, limit);
      if (!descriptor) return;
      record.stored_bytes = descriptor->begin - record.data_offset;
      if (record.method == Method::stored) record.bytes = record.stored_bytes;
    }
    salvaged.end = descriptor->end;
    add_checksum(salvaged, descriptor->crc32);
    if (salvaged.problem.empty() && salvaged.checksums.size() > 1) {
      salvaged.problem = "the directory and the descriptor state different checksums";
    }
  }

  // The descriptor at `offset` of a record whose data begins at `begin`, if it states its size.
  std::optional<Descriptor> descriptor_at(std::uint64_t offset, std::uint64_t begin) const {
    if (offset < begin || offset > file_.size()) return {};
    if (file_.size() - offset < kDescriptorBytes) return {};
    ByteReader reader(file_.subspan(static_cast<std::size_t>(offset)));
    if (reader.u32() != kDescriptor) return {};
    const std::uint32_t crc32 = reader.u32();
    const std::uint32_t low = reader.u32();
    const std::uint32_t second = reader.u32();
    const std::uint64_t size = offset - begin;
    const bool is_long = file_.size() - offset >= kZip64DescriptorBytes &&
                         (std::uint64_t{second} << 32 | low) == size && reader.u64() >= size;
    if (is_long) return Descriptor{offset, offset + kZip64DescriptorBytes, crc32};
    if (low == size) return Descriptor{offset, offset + kDescriptorBytes, crc32};
    return {};
  }

  std::optional<Descriptor> find_descriptor(std::uint64_t begin, std::uint64_t limit) {
    for (std::size_t at = static_cast<std::size_t>(begin); at < limit;) {
      const std::size_t hit = find("PK\7\10"sv, at, limit);
      if (hit == kNotFound) return {};
      if (const auto descriptor = descriptor_at(hit, begin)) return descriptor;
      at = hit + 4;
    }
    return {};
  }

  // As string_view::find, below `limit`, as long as the searches together stay affordable.
  std::size_t find(std::string_view what, std::size_t from, std::uint64_t limit) {
    const std::string_view part = text_.substr(0, static_cast<std::size_t>(limit));
    const std::size_t hit = part.find(what, from);
    const std::uint64_t cost = std::min(hit, part.size()) - std::min(from, part.size());
    if (cost > searches_left_) return kNotFound;
    searches_left_ -= cost;
    return hit;
  }

  // Looks into the parts of the file that belong to no record of the directory.
  void add_unlisted(std::uint64_t directory_offset) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> covered;
    for (const Salvaged& salvaged : found_.records) {
      covered.emplace_back(std::min(salvaged.record.header_offset, salvaged.record.data_offset),
                           salvaged.end);
    }
    covered.emplace_back(directory_offset, file_.size());
    std::ranges::sort(covered);
    std::uint64_t position = 0;
    for (const auto& [begin, end] : covered) {
      if (begin > position) search_gap(position, begin);
      position = std::max(position, end);
    }
  }

  void search_gap(std::uint64_t begin, std::uint64_t limit) {
    std::uint64_t position = begin;
    while (position < limit && found_.records.size() < limits_.max_records) {
      const std::size_t hit = find("PK\3\4"sv, static_cast<std::size_t>(position), limit);
      const std::optional<Record> header =
          hit == kNotFound ? std::nullopt : read_loose_header(file_, hit);
      const std::uint64_t gap_end = hit == kNotFound ? limit : header ? hit : hit + 4;
      if (gap_end > position) {
        add_flaw(position, gap_end, "these bytes belong to no record");
      }
      if (hit == kNotFound) return;
      position = header ? add_unlisted(*header, limit) : gap_end;
    }
  }

  // Gives where it ends.
  std::uint64_t add_unlisted(Record header, std::uint64_t limit) {
    Salvaged salvaged;
    salvaged.has_header = true;
    salvaged.problem = "the record is missing in the directory of the archive";
    add_checksum(salvaged, header.crc32);
    const std::uint64_t begin = std::min<std::uint64_t>(header.data_offset, file_.size());
    const bool leaves_size =
        (header.flags & kHasDescriptor) != 0 && header.stored_bytes == 0 && header.bytes == 0;
    if (leaves_size) {
      if (const auto descriptor = find_descriptor(begin, limit)) {
        header.stored_bytes = descriptor->begin - begin;
      } else {
        const std::size_t next = find("PK\3\4"sv, static_cast<std::size_t>(begin), limit);
        header.stored_bytes = std::min<std::uint64_t>(next, limit) - std::min(begin, limit);
        salvaged.size_is_known = false;
        salvaged.is_complete = limit < file_.size() || next != kNotFound;
      }
      if (header.method == Method::stored) header.bytes = header.stored_bytes;
    }
    salvaged.record = std::move(header);
    finish(std::move(salvaged), limit);
    return std::max(found_.records.back().end, begin);
  }

  std::span<const std::byte> file_;
  std::string_view text_;
  const Limits& limits_;
  std::uint64_t searches_left_;  // bytes
  Salvage found_;
};

}  // namespace

const Salvaged* Salvage::find(std::string_view name) const {
  const auto matches = [&](const Salvaged& salvaged) {
    const std::string_view whole = salvaged.record.name;
    return whole.substr(whole.find('/') + 1) == name;
  };
  const auto found = std::find_if(records.rbegin(), records.rend(), matches);
  return found == records.rend() ? nullptr : &*found;
}

Salvage salvage(std::span<const std::byte> file, const Limits& limits) {
  return Search(file, limits).run();
}

std::optional<bool> matches_checksum(const Salvaged& salvaged, std::uint32_t crc32) {
  if (salvaged.checksums.empty() || !salvaged.size_is_known) return {};
  return std::ranges::find(salvaged.checksums, crc32) != salvaged.checksums.end();
}

Content content_of(std::span<const std::byte> file, const Record& record, std::uint64_t max_bytes) {
  const std::span<const std::byte> stored = file.subspan(
      static_cast<std::size_t>(record.data_offset), static_cast<std::size_t>(record.stored_bytes));
  if (record.method == Method::deflated) return inflate_loosely(stored, max_bytes, -MAX_WBITS);
  Content content;
  content.bytes = stored.first(std::min<std::size_t>(stored.size(), max_bytes));
  content.is_whole = content.bytes.size() == stored.size() && record.method == Method::stored;
  return content;
}

Content inflate_loosely(std::span<const std::byte> deflated,
                        std::uint64_t max_bytes,
                        int window_bits) {
  constexpr std::size_t kStep = std::size_t{64} << 10;
  Content content;
  content.is_whole = false;
  z_stream stream = {};
  if (inflateInit2(&stream, window_bits) != Z_OK) return content;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(deflated.data()));
  int result = Z_OK;
  std::size_t left = deflated.size();
  while (result == Z_OK && content.inflated.size() < max_bytes) {
    const auto given = static_cast<uInt>(std::min<std::size_t>(left, 1U << 30));
    const std::size_t before = content.inflated.size();
    content.inflated.resize(before + std::min<std::size_t>(kStep, max_bytes - before));
    stream.avail_in = given;
    stream.next_out = reinterpret_cast<Bytef*>(content.inflated.data() + before);
    stream.avail_out = static_cast<uInt>(content.inflated.size() - before);
    result = inflate(&stream, Z_NO_FLUSH);
    left -= given - stream.avail_in;
    content.inflated.resize(content.inflated.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  content.bytes = content.inflated;
  content.is_whole = result == Z_STREAM_END;
  return content;
}

}  // namespace torchkeep::zip
