#include "format/pt/archive.h"

#include <charconv>
#include <unordered_set>
#include <utility>

#include "base/fail.h"
#include "base/seeded_hash.h"

namespace torchkeep::pt {
namespace {

// The versions of the container that PyTorch has had so far.
constexpr int kLastVersion = 10;
constexpr std::uint64_t kMostTextBytes = 64;

Place at_record(const zip::Record& record) {
  Place place;
  place.record = record.name;
  return place;
}

std::string read_prefix(const zip::Reader& reader) {
  if (reader.records().empty()) fail(ErrorCode::corrupt, "the archive is empty");
  const std::string& first = reader.records().front().name;
  const std::string prefix = first.substr(0, first.find('/') + 1);
  for (const zip::Record& record : reader.records()) {
    if (prefix.empty() || !record.name.starts_with(prefix)) {
      fail_at(ErrorCode::corrupt, at_record(record), "",
              "the record lies outside the folder of the archive (expected a name that begins "
              "with \"{}\")",
              prefix.empty() ? "FOLDER/" : prefix);
    }
  }
  return prefix;
}

// PyTorch's own reader ignores case: it could take one for the other.
void check_names_differ_beyond_case(const zip::Reader& reader) {
  std::unordered_set<std::string, SeededHash> folded;
  for (const zip::Record& record : reader.records()) {
    std::string name = record.name;
    for (char& c : name) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    if (!folded.insert(std::move(name)).second) {
      fail_at(ErrorCode::unsafe, at_record(record), "",
              "the archive has two records of this name, but for the case of letters");
    }
  }
}

}  // namespace

Archive::Archive(const zip::Reader& reader) : reader_(reader), prefix_(read_prefix(reader)) {
  check_names_differ_beyond_case(reader);
  check_version();
  byte_order_ = read_byte_order();
}

const zip::Record* Archive::find(std::string_view name) const {
  return reader_.find(prefix_ + std::string(name));
}

const zip::Record& Archive::at(std::string_view name) const {
  const zip::Record* record = find(name);
  if (record == nullptr) fail(ErrorCode::corrupt, "the archive has no record {}", name);
  return *record;
}

std::string Archive::read_text(const zip::Record& record) const {
  if (record.bytes > kMostTextBytes) {
    fail_at(ErrorCode::corrupt, at_record(record), "", "is too long ({} bytes)", record.bytes);
  }
  const std::vector<std::byte> bytes = reader_.read(record);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void Archive::check_version() const {
  const zip::Record* record = find(".data/version");
  if (record == nullptr) record = &at("version");
  const std::string text = read_text(*record);
  int version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  const std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (error != std::errc() || (!rest.empty() && rest != "\n") || version < 1) {
    fail_at(ErrorCode::corrupt, at_record(*record), "", "is not the number of a version");
  }
  if (version > kLastVersion) {
    fail_at(ErrorCode::unsupported, at_record(*record), "use a newer torchkeep",
            "the archive is of version {} (expected at most {})", version, kLastVersion);
  }
}

ByteOrder Archive::read_byte_order() const {
  const zip::Record* record = find("byteorder");
  if (record == nullptr) return ByteOrder::little;
  const std::string text = read_text(*record);
  if (text == "little") return ByteOrder::little;
  if (text == "big") return ByteOrder::big;
  fail_at(ErrorCode::corrupt, at_record(*record), "", "is neither \"little\" nor \"big\"");
}

}  // namespace torchkeep::pt
