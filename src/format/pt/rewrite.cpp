#include "format/pt/rewrite.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>
#include <vector>

#include "base/fail.h"
#include "format/format.h"
#include "io/atomic_file.h"
#include "io/system_error.h"

namespace torchkeep::pt {
namespace {

std::uint64_t alignment_of(const Archive& archive) {
  const zip::Record* record = archive.find(".storage_alignment");
  if (record == nullptr) return zip::Writer::kAlignment;
  const std::string text = archive.read_text(*record);
  std::uint64_t alignment = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), alignment);
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  // The padding could not hold more.
  const bool is_usable = is_number && alignment > 0 && alignment <= 1 << 15;
  return is_usable ? alignment : zip::Writer::kAlignment;
}

void rewrite_to(const std::filesystem::path& to, const Archive& archive, Durability durability) {
  try {
    io::AtomicFile file(to);
    rewrite(archive, [&](std::span<const std::byte> bytes) { file.write(bytes); });
    file.commit(durability);
  } catch (Error& error) {
    if (error.place().record.empty()) error.add_place(io::at_path(to));
    throw;
  }
}

}  // namespace

void rewrite(const Archive& archive, zip::Writer::Sink sink) {
  std::vector<const zip::Record*> records;
  for (const zip::Record& record : archive.reader().records()) records.push_back(&record);
  std::ranges::sort(records, {}, &zip::Record::header_offset);
  zip::Writer writer(std::move(sink), archive.root(), alignment_of(archive));
  for (const zip::Record* record : records) {
    writer.copy(archive.reader(), *record, archive.name_of(*record));
  }
  writer.finish();
}

void rewrite_file(const std::filesystem::path& from,
                  const std::filesystem::path& to,
                  Durability durability,
                  const Limits& limits) {
  try {
    const Probe probe(from, limits);
    if (probe.archive() == nullptr) {
      fail(ErrorCode::unsupported, "this is no zip archive of PyTorch");
    }
    rewrite_to(to, Archive(*probe.archive()), durability);
  } catch (Error& error) {
    error.add_place(io::at_path(from));
    throw;
  }
}

}  // namespace torchkeep::pt
