#include <array>
#include <optional>
#include <utility>

#include <torchkeep/delta.h>
#include <torchkeep/error.h>
#include <torchkeep/verify.h>

#include "base/fail.h"
#include "format/format.h"
#include "format/load_file.h"
#include "format/sharded/read.h"
#include "inspect/verify_archive.h"
#include "io/system_error.h"

namespace torchkeep {
namespace {

// Directories, and files without checksums: what load() would find.
void verify_structure(const std::filesystem::path& path,
                      const VerifyOptions& options,
                      VerifyReport& report) {
  LoadOptions load_options;
  load_options.access = Access::map;
  load_options.verify = Verify::everything;
  load_options.limits = options.limits;
  load_options.threads = options.threads;
  try {
    const LoadedFile loaded = load_file(path, load_options, Deltas::as_stored);
    report.format = loaded.format;
    report.file_bytes = loaded.file_bytes;
    report.verified_bytes = loaded.content.checked_bytes;
    report.unverified_bytes = loaded.file_bytes - loaded.content.checked_bytes;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt && error.code() != ErrorCode::unsafe) throw;
    Damage damage{Damage::Part::structure, error.place().record, {}, 0, 0, error.problem()};
    if (!error.place().tensor.empty()) damage.tensors = {error.place().tensor};
    if (error.place().record.empty() && error.place().byte_offset) {
      damage.begin = *error.place().byte_offset;
      damage.end = report.file_bytes;
    }
    report.damages.push_back(std::move(damage));
  }
}

void verify_shard(const std::filesystem::path& path,
                  const VerifyOptions& options,
                  VerifyReport& report) {
  const std::string file = path.filename().string();
  try {
    VerifyReport shard = verify(path, options);
    report.file_bytes += shard.file_bytes;
    report.verified_bytes += shard.verified_bytes;
    report.unverified_bytes += shard.unverified_bytes;
    for (Damage& damage : shard.damages) {
      damage.record = damage.record.empty() ? file : file + "/" + damage.record;
      report.damages.push_back(std::move(damage));
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::unsupported) throw;
    report.damages.push_back({Damage::Part::structure, file, {}, 0, 0, error.problem()});
  }
}

// Each shard for itself, and whether they are what the index says.
void verify_shards(const Probe& index, const VerifyOptions& options, VerifyReport& report) {
  VerifyReport together;
  for (const std::filesystem::path& path : sharded::shard_paths(index)) {
    verify_shard(path, options, together);
  }
  report.damages = std::move(together.damages);
  if (report.damages.empty()) verify_structure(index.path(), options, report);
  report.file_bytes = index.file()->size() + together.file_bytes;
  report.verified_bytes = together.verified_bytes;
  report.unverified_bytes = together.unverified_bytes;
}

// A delta is of use only with its base.
void verify_base(const std::filesystem::path& path,
                 const VerifyOptions& options,
                 VerifyReport& report) {
  const Value value =
      load_file(path, {.access = Access::map, .limits = options.limits}, Deltas::as_stored)
          .content.value;
  const std::optional<DeltaInfo> delta = delta_info(value, path, BaseCheck::sha256);
  if (!delta) return;
  report.base = delta->base;
  if (delta->state == DeltaInfo::State::unchanged) return;
  report.damages.push_back({Damage::Part::structure,
                            "",
                            {},
                            0,
                            0,
                            fmt::format("this is a delta, and its base {} is {}",
                                        delta->base.string(), name(delta->state))});
}

}  // namespace

std::string_view name(Damage::Part part) {
  constexpr std::array<std::string_view, 6> kNames = {"directory", "pickle",  "tensor",
                                                      "record",    "padding", "structure"};
  return kNames[static_cast<std::size_t>(part)];
}

std::string_view name(VerifyReport::Verdict verdict) {
  constexpr std::array<std::string_view, 3> kNames = {"ok", "unverified", "damaged"};
  return kNames[static_cast<std::size_t>(verdict)];
}

VerifyReport::Verdict VerifyReport::verdict() const {
  if (!damages.empty()) return Verdict::damaged;
  return unverified_bytes > 0 ? Verdict::unverified : Verdict::ok;
}

VerifyReport verify(const std::filesystem::path& path, const VerifyOptions& options) {
  VerifyReport report;
  report.path = path;
  try {
    const Probe probe(path, options.limits);
    if (!probe.is_directory()) report.file_bytes = probe.file()->size();
    if (probe.head().starts_with("PK\3\4")) {
      report.format = "zip";
      inspection::verify_archive(path, options, report);
    } else if (!probe.is_directory() && sharded::recognises(probe)) {
      report.format = "sharded";
      verify_shards(probe, options, report);
    } else {
      report.format = "unknown";
      verify_structure(path, options, report);
    }
    if (report.damages.empty()) verify_base(path, options, report);
  } catch (Error& error) {
    error.add_place(io::at_path(path));
    throw;
  }
  return report;
}

}  // namespace torchkeep
