#include "format/npy/read.h"

#include <algorithm>
#include <utility>

#include "base/fail.h"
#include "base/parallel.h"
#include "format/npy/array.h"
#include "format/zip/image.h"
#include "io/memory.h"
#include "io/region.h"

namespace torchkeep::npy {
namespace {

constexpr std::string_view kExtension = ".npy";
// Records begin at multiples of this in the memory that they are read into. So then do the
// elements: NumPy fills headers up to a multiple of 16 or 64.
constexpr std::uint64_t kAlignment = 64;

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// How long the header is; throws where it does not fit.
std::uint64_t checked_header_bytes(std::string_view start, std::uint64_t available) {
  const std::uint64_t bytes = header_bytes(start.substr(0, kMostPrefixBytes));
  if (bytes > available) {
    fail_at(ErrorCode::corrupt, {}, "copy or download it again",
            "the header of the array is cut off (expected {} bytes, got {})", bytes, available);
  }
  return bytes;
}

// The array that fills the bytes.
Tensor read_array(std::span<std::byte> bytes, const std::shared_ptr<const void>& owner) {
  const auto header = static_cast<std::size_t>(checked_header_bytes(as_text(bytes), bytes.size()));
  return make_tensor(parse_header(as_text(bytes.first(header))), bytes.subspan(header), owner);
}

// The arrays of an archive.
class ArchiveReader {
 public:
  ArchiveReader(const zip::Reader& archive, const LoadOptions& options)
      : archive_(archive), options_(options), places_(archive.records().size()) {}

  Dict read() {
    if (options_.access == Access::map) map_stored_records();
    read_others();
    Dict arrays;
    for (std::size_t i = 0; i < places_.size(); ++i) {
      const std::string& name = archive_.records()[i].name;
      try {
        arrays.set(name.substr(0, name.size() - kExtension.size()),
                   read_array(places_[i].bytes, places_[i].owner));
      } catch (Error& error) {
        Place place;
        place.record = name;
        error.add_place(place);
        throw;
      }
    }
    return arrays;
  }

 private:
  void map_stored_records() {
    const auto mapped = std::make_shared<const io::MappedFile>(archive_.file());
    std::vector<const zip::Record*> in_file;
    for (std::size_t i = 0; i < places_.size(); ++i) {
      const zip::Record& record = archive_.records()[i];
      if (record.method != zip::Method::stored) continue;
      in_file.push_back(&record);
      places_[i] = {mapped, mapped->bytes().subspan(static_cast<std::size_t>(record.data_offset),
                                                    static_cast<std::size_t>(record.bytes))};
    }
    if (options_.verify == Verify::everything) {
      zip::verify_records(std::move(in_file), {0, mapped->bytes()}, threads());
    }
  }

  void read_others() {
    std::vector<std::size_t> others;
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < places_.size(); ++i) {
      if (places_[i].owner != nullptr) continue;
      others.push_back(i);
      bytes += (archive_.records()[i].bytes + kAlignment - 1) / kAlignment * kAlignment;
    }
    const auto buffer = std::make_shared<const io::HugeBuffer>(bytes);
    std::span<std::byte> free = buffer->bytes();
    for (const std::size_t i : others) {
      const std::uint64_t size = archive_.records()[i].bytes;
      places_[i] = {buffer, free.first(static_cast<std::size_t>(size))};
      free =
          free.subspan(static_cast<std::size_t>((size + kAlignment - 1) / kAlignment * kAlignment));
    }
    const auto checksum =
        options_.verify == Verify::nothing ? zip::Checksum::ignore : zip::Checksum::verify;
    parallel_for(others.size(), threads(), [&](std::size_t i) {
      archive_.read(archive_.records()[others[i]], places_[others[i]].bytes, checksum);
    });
  }

  int threads() const { return effective_threads(options_.threads); }

  const zip::Reader& archive_;
  const LoadOptions& options_;
  std::vector<io::Region> places_;  // of each record
};

}  // namespace

bool recognises_npy(const Probe& probe) { return probe.head().starts_with(kMagic); }

bool recognises_npz(const Probe& probe) {
  const zip::Reader* archive = probe.archive();
  return archive != nullptr && !archive->records().empty() &&
         std::ranges::all_of(archive->records(), [](const zip::Record& record) {
           return record.name.ends_with(kExtension);
         });
}

Loaded read_npy(const Probe& probe, const LoadOptions& options) {
  const io::InputFile& file = *probe.file();
  const std::uint64_t bytes = checked_header_bytes(probe.head(), file.size());
  std::string text(static_cast<std::size_t>(bytes), '\0');
  file.read(0, std::as_writable_bytes(std::span(text)));
  const ArrayHeader header = parse_header(text);
  const io::Region elements = io::load_region(file, bytes, file.size() - bytes, options.access,
                                              effective_threads(options.threads));
  return {make_tensor(header, elements.bytes, elements.owner)};
}

Loaded read_npz(const Probe& probe, const LoadOptions& options) {
  return {ArchiveReader(*probe.archive(), options).read()};
}

}  // namespace torchkeep::npy
