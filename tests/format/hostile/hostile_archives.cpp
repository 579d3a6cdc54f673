#include <array>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "format/hostile/hostile_file.h"
#include "format/pt/pt_pickle.h"

namespace torchkeep::testing {
namespace {

using Outcome = HostileFile::Outcome;
using Entries = std::vector<ZipEntry>;

const std::string kPickle("\x80\x02N.", 4);

Entries honest() { return records_with(kPickle); }

// Appends the archive that `change` makes of an honest one.
template <class Change>
void add(HostileFiles& files, std::string name, Change change, Outcome outcome = Outcome::refused) {
  Entries entries = honest();
  ZipEnd end;
  change(entries, end);
  files.push_back({std::move(name), build_zip(entries, end), outcome});
}

void add_names(HostileFiles& files) {
  const std::string nul = std::string("m/a") + '\0' + "b";
  const std::vector<std::string> names = {"",
                                          "/",
                                          "m/",
                                          "/etc/passwd",
                                          "m//a",
                                          "m/../a",
                                          "../a",
                                          "m/..",

                                          "a",
                                          "n/data.pkl",
                                          "m\\a",
                                          "m/a\\b",
                                          nul,
                                          "m/a\nb",
                                          "m/a\x7f",
                                          "m/\x1b[2J",
                                          "m/\xff",
                                          "m/\xc0\xaf",
                                          "m/\xed\xa0\x80",
                                          "C:/a",
                                          "m/data.pkl",
                                          "m/DATA.PKL",
                                          "M/data.pkl",
                                          "m/Data/0",
                                          "m/version",
                                          "m/VERSION"};
  for (const std::string& name : names) {
    add(files, "name " + name,
        [&](Entries& entries, ZipEnd&) { entries.push_back(stored(name, "x")); });
  }
}

// Each field of one header, so that it contradicts the other or the data.
void add_contradictions(HostileFiles& files) {
  using Field = std::function<void(ZipEntry::Header&)>;
  const std::vector<std::pair<std::string, Field>> fields = {
      {"name", [](auto& header) { header.name.back() = 'X'; }},
      {"short name", [](auto& header) { header.name.pop_back(); }},
      {"flags", [](auto& header) { header.flags = 0; }},
      {"descriptor flag", [](auto& header) { header.flags |= 8; }},
      {"method", [](auto& header) { header.method = 8; }},
      {"checksum", [](auto& header) { header.crc32 ^= 1; }},
      {"stored size", [](auto& header) { ++header.stored_bytes; }},
      {"size", [](auto& header) { --header.bytes; }},
      {"huge size", [](auto& header) { header.bytes = header.stored_bytes = 0xFFFFFFF0; }},
      {"saturated size", [](auto& header) { header.bytes = header.stored_bytes = 0xFFFFFFFF; }},
  };
  for (std::size_t record = 0; record < honest().size(); ++record) {
    for (const auto& [name, change] : fields) {
      add(files, fmt::format("local {} of record {}", name, record),
          [&](Entries& entries, ZipEnd&) { change(entries[record].local); });
      add(files, fmt::format("central {} of record {}", name, record),
          [&](Entries& entries, ZipEnd&) { change(entries[record].central); });
    }
  }
}

void add_flags_and_methods(HostileFiles& files) {
  for (int bit = 0; bit < 16; ++bit) {
    const auto flag = static_cast<std::uint16_t>(1 << bit);
    const bool is_known = bit == 1 || bit == 2 || bit == 11;
    add(
        files, fmt::format("flag {}", bit),
        [&](Entries& entries, ZipEnd&) {
          entries[1].local.flags = entries[1].central.flags = flag;
        },
        is_known ? Outcome::inert : Outcome::refused);
  }
  for (const int method :
       {1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 14, 18, 19, 20, 93, 94, 95, 96, 97, 98, 99, 0xFFFF}) {
    add(
        files, fmt::format("method {}", method),
        [&](Entries& entries, ZipEnd&) {
          entries[1].local.method = entries[1].central.method = static_cast<std::uint16_t>(method);
        },
        method == 8 ? Outcome::either : Outcome::refused);
  }
}

void add_overlaps(HostileFiles& files) {
  for (std::size_t record = 0; record < honest().size(); ++record) {
    for (const int change : {-200, -64, -30, -4, -1, 1, 4, 30, 64, 200, 1 << 30}) {
      add(files, fmt::format("offset of record {} by {}", record, change),
          [&](Entries& entries, ZipEnd&) {
            entries[record].offset_change = static_cast<std::uint32_t>(change);
          });
    }
  }
  add(files, "two names for one record", [](Entries& entries, ZipEnd&) {
    ZipEntry alias = entries[1];
    alias.central.name = "m/data/1";
    alias.offset_change = static_cast<std::uint32_t>(
        -static_cast<int>(30 + alias.local.name.size() + alias.data.size()));
    entries.insert(entries.begin() + 2, alias);
  });
}

void add_attributes(HostileFiles& files) {
  for (const std::uint32_t type : {0040000U, 0120000U, 0060000U, 0020000U, 0010000U, 0140000U}) {
    add(files, fmt::format("file type {:o}", type), [&](Entries& entries, ZipEnd&) {
      entries[1].made_by = 3 << 8;
      entries[1].attributes = type << 16;
    });
  }
  add(files, "DOS directory", [](Entries& entries, ZipEnd&) { entries[1].attributes = 0x10; });
}

void add_ends(HostileFiles& files) {
  for (const int change : {-3, -1, 1, 2, 1000, 0xFFFF}) {
    add(files, fmt::format("records by {}", change),
        [&](Entries&, ZipEnd& end) { end.records_change = static_cast<std::uint16_t>(change); });
    add(files, fmt::format("directory bytes by {}", change), [&](Entries&, ZipEnd& end) {
      end.directory_bytes_change = static_cast<std::uint32_t>(change);
    });
    add(files, fmt::format("directory offset by {}", change), [&](Entries&, ZipEnd& end) {
      end.directory_offset_change = static_cast<std::uint32_t>(change);
    });
  }
  add(files, "disk", [](Entries&, ZipEnd& end) { end.disk = 1; });
  add(files, "comment", [](Entries&, ZipEnd& end) { end.comment = "PK\5\6"; });
  add(
      files, "before the directory", [](Entries&, ZipEnd& end) { end.before_directory = "PK\1\2"; },
      Outcome::either);
  add(files, "before the end",
      [](Entries&, ZipEnd& end) { end.before_end = std::string(46, 'x'); });
  // A zip64 locator that leads anywhere.
  for (const std::uint64_t offset : {0ULL, 1ULL, ~0ULL, 1ULL << 62}) {
    add(files, fmt::format("zip64 end at {}", offset), [&](Entries&, ZipEnd& end) {
      end.before_end = std::string("PK\6\7\0\0\0\0", 8);
      for (int i = 0; i < 8; ++i) end.before_end += static_cast<char>(offset >> (8 * i));
      end.before_end += std::string("\1\0\0\0", 4);
    });
  }
}

void add_zip64_fields(HostileFiles& files) {
  for (const std::size_t size : {0U, 1U, 7U, 8U, 15U, 16U, 24U, 28U, 200U}) {
    add(files, fmt::format("zip64 field of {} bytes", size), [&](Entries& entries, ZipEnd&) {
      std::string field("\1\0", 2);
      field += static_cast<char>(size);
      field += '\0';
      field += std::string(size, '\xff');
      entries[1].central.extra = field;
      entries[1].central.bytes = entries[1].central.stored_bytes = 0xFFFFFFFF;
    });
  }
  add(
      files, "extra field that ends early",
      [](Entries& entries, ZipEnd&) { entries[1].local.extra = std::string("FB\xff\xff", 4); },
      Outcome::either);
}

void add_bombs(HostileFiles& files) {
  add(files, "data that inflates to more", [](Entries& entries, ZipEnd&) {
    ZipEntry bomb = deflated("m/data/1", std::string(10'000'000, '\0'));
    bomb.local.bytes = bomb.central.bytes = 1000;
    entries.push_back(bomb);
    entries[0] = deflated("m/data.pkl", std::string(1'000'000, 'N'));
    entries[0].local.bytes = entries[0].central.bytes = 4;
  });
  add(files, "data that inflates to less", [](Entries& entries, ZipEnd&) {
    entries[0] = deflated("m/data.pkl", kPickle);
    entries[0].local.bytes = entries[0].central.bytes = 4000;
  });
  add(files, "data that cannot inflate so far", [](Entries& entries, ZipEnd&) {
    entries[0] = deflated("m/data.pkl", kPickle);
    entries[0].local.bytes = entries[0].central.bytes = 0xF0000000;
  });
  add(files, "compressed data that is none", [](Entries& entries, ZipEnd&) {
    entries[0] = deflated("m/data.pkl", kPickle);
    entries[0].data[0] = '\xff';
  });
  add(files, "many large compressed records", [](Entries& entries, ZipEnd&) {
    const ZipEntry large = deflated("m/x", std::string(50'000'000, '\0'));
    for (int i = 0; i < 30; ++i) {
      entries.push_back(large);
      entries.back().local.name = entries.back().central.name = fmt::format("m/x{}", i);
    }
  });
}

void add_records(HostileFiles& files) {
  for (std::size_t record = 0; record < honest().size(); ++record) {
    add(
        files, fmt::format("damaged record {}", record),
        [&](Entries& entries, ZipEnd&) {
          entries[record].data[0] = static_cast<char>(entries[record].data[0] ^ 1);
        },
        record == 1 ? Outcome::inert : Outcome::refused);  // no tensor needs record 1
  }
  for (const char* version :
       {"", "0", "-1", "11", "99999999999999999999", "3x", "x", "\n", "3.0", " 3"}) {
    add(files, fmt::format("version {}", version),
        [&](Entries& entries, ZipEnd&) { entries.back() = stored("m/version", version); });
  }
  for (const char* order : {"", "LITTLE", "middle", "little\n", "bigbig"}) {
    add(files, fmt::format("byte order {}", order),
        [&](Entries& entries, ZipEnd&) { entries.push_back(stored("m/byteorder", order)); });
  }
  add(files, "no version", [](Entries& entries, ZipEnd&) { entries.pop_back(); });
  add(files, "no pickle", [](Entries& entries, ZipEnd&) { entries.erase(entries.begin()); });
  add(files, "no records", [](Entries& entries, ZipEnd&) { entries.clear(); });
  add(files, "long version", [](Entries& entries, ZipEnd&) {
    entries.back() = stored("m/version", std::string(100'000, '3'));
  });
}

void add_cut_and_glued(HostileFiles& files) {
  const std::string whole = build_zip(honest());
  for (std::size_t size = 1; size < whole.size(); size += 7) {
    files.push_back({fmt::format("first {} bytes", size), whole.substr(0, size)});
  }
  for (const std::string& junk :
       {std::string("x"), std::string(22, '\0'), std::string("PK\3\4"), whole,
        std::string("#!/bin/sh\n"), std::string("7z\xBC\xAF\x27\x1C"),
        std::string("\x80\x02N.", 4)}) {
    files.push_back({fmt::format("{} bytes in front", junk.size()), junk + whole});
    files.push_back({fmt::format("{} bytes behind", junk.size()), whole + junk});
  }
}

}  // namespace

std::vector<ZipEntry> records_with(std::string_view pickle) {
  return {stored("m/data.pkl", std::string(pickle)), stored("m/data/0", "abcdefgh"),
          stored("m/version", "3\n")};
}

std::string archive_of(const Value& value) {
  const PtPickle encoded = encoded_pt(value);
  std::vector<ZipEntry> entries = {stored("m/data.pkl", encoded.bytes)};
  for (std::size_t key = 0; key < encoded.storages.size(); ++key) {
    const auto bytes = encoded.storages[key].bytes();
    entries.push_back(stored(fmt::format("m/data/{}", key),
                             {reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  }
  entries.push_back(stored("m/version", "3\n"));
  return build_zip(entries);
}

HostileFiles hostile_archives() {
  HostileFiles files;
  add_names(files);
  add_contradictions(files);
  add_flags_and_methods(files);
  add_overlaps(files);
  add_attributes(files);
  add_ends(files);
  add_zip64_fields(files);
  add_bombs(files);
  add_records(files);
  add_cut_and_glued(files);
  return files;
}

}  // namespace torchkeep::testing
