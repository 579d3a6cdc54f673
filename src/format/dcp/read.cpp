#include "format/dcp/read.h"

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>

#include "base/fail.h"
#include "base/printable.h"
#include "format/dcp/assemble.h"
#include "format/dcp/metadata.h"
#include "format/dcp/nest.h"
#include "format/pt/read.h"
#include "io/system_error.h"

namespace torchkeep::dcp {
namespace {

constexpr std::string_view kMetadataFile = ".metadata";

class Reader {
 public:
  Reader(std::filesystem::path directory, const LoadOptions& options)
      : directory_(std::move(directory)), options_(options) {}

  Loaded read() {
    const Metadata metadata = read_metadata();
    globals_.insert(metadata.globals.begin(), metadata.globals.end());
    std::vector<std::pair<std::string, Value>> values;
    for (const Item& item : metadata.items) values.emplace_back(item.name, load(item));
    Loaded loaded{nest(std::move(values), metadata.paths)};
    loaded.globals.assign(globals_.begin(), globals_.end());
    loaded.bytes_elsewhere = bytes_;
    loaded.checked_bytes = checked_bytes_;
    return loaded;
  }

 private:
  Metadata read_metadata() {
    const io::InputFile file(directory_ / kMetadataFile);
    bytes_ += file.size();
    if (file.size() > options_.limits.max_pickle_bytes) {
      fail(ErrorCode::unsafe,
           "{} is too long (expected at most {} bytes, got {}: max_pickle_bytes)", kMetadataFile,
           options_.limits.max_pickle_bytes, file.size());
    }
    std::vector<std::byte> pickle(static_cast<std::size_t>(file.size()));
    file.read(0, pickle);
    try {
      return parse_metadata(pickle, options_.limits);
    } catch (Error& error) {
      error.add_place(io::at_path(file.path()));
      throw;
    }
  }

  Value load(const Item& item) {
    try {
      if (!item.is_tensor) return load_archive(item.location);
      return assemble(item, [&](const Location& location) { return load_archive(location); });
    } catch (Error& error) {
      Place place;
      place.tensor = printable(item.name);
      error.add_place(place);
      throw;
    }
  }

  // Each item, and each chunk of a tensor, is a whole file of torch.save inside a data file.
  Value load_archive(const Location& location) {
    const std::filesystem::path path = directory_ / location.file;
    const auto whole = std::make_shared<const io::InputFile>(path);
    if (files_.insert(location.file).second) bytes_ += whole->size();
    const auto part = std::make_shared<const io::InputFile>(whole, location.offset, location.bytes);
    try {
      const zip::Reader archive(part, limits_left());
      for (const zip::Record& record : archive.records()) {
        if (record.method == zip::Method::deflated) inflated_bytes_ += record.bytes;
      }
      Loaded loaded = pt::read(archive, options_);
      globals_.insert(loaded.globals.begin(), loaded.globals.end());
      if (options_.verify == Verify::everything) checked_bytes_ += location.bytes;
      return std::move(loaded.value);
    } catch (Error& error) {
      error.add_place(io::at_path(path));
      throw;
    }
  }

  // All archives together may inflate to what one may.
  Limits limits_left() const {
    Limits limits = options_.limits;
    limits.max_inflated_bytes -= std::min(inflated_bytes_, limits.max_inflated_bytes);
    return limits;
  }

  std::filesystem::path directory_;
  const LoadOptions& options_;
  std::set<std::string> globals_;
  std::set<std::string> files_;  // that have been opened
  std::uint64_t bytes_ = 0;      // of all files
  std::uint64_t checked_bytes_ = 0;
  std::uint64_t inflated_bytes_ = 0;
};

}  // namespace

bool recognises(const Probe& probe) {
  std::error_code ignored;
  return probe.is_directory() && std::filesystem::exists(probe.path() / kMetadataFile, ignored);
}

Loaded read(const Probe& probe, const LoadOptions& options) {
  return Reader(probe.path(), options).read();
}

}  // namespace torchkeep::dcp
