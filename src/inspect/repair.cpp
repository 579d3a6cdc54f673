#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include <torchkeep/repair.h>

#include "base/fail.h"
#include "format/format.h"
#include "format/legacy/read.h"
#include "format/safetensors/read.h"
#include "inspect/restore_archive.h"
#include "inspect/restore_legacy.h"
#include "inspect/restore_safetensors.h"
#include "inspect/restored.h"
#include "io/system_error.h"

namespace torchkeep {
namespace {

using inspection::Restored;

void refuse_same_file(const std::filesystem::path& input, const std::filesystem::path& output) {
  std::error_code error;
  if (std::filesystem::equivalent(input, output, error)) {
    fail_at(ErrorCode::invalid_argument, io::at_path(output), "choose another name",
            "this is the damaged file itself, which is never written to");
  }
}

// A way to read damaged files of one kind.
struct Restoration {
  std::string_view format;
  bool (*recognises)(const Probe& probe);
  Restored (*restore)(const Probe& probe, const RepairOptions& options);
};

bool begins_as_archive(const Probe& probe) { return probe.head().starts_with("PK\3\4"); }

constexpr auto kRestorations = std::to_array<Restoration>({
    {"pt", begins_as_archive, inspection::restore_archive},
    {"pt-legacy", legacy::recognises, inspection::restore_legacy},
    {"safetensors", safetensors::recognises, inspection::restore_safetensors},
});

Restored restore(const Probe& probe, const RepairOptions& options, RepairReport& report) {
  const auto found = std::ranges::find_if(kRestorations, [&](const Restoration& restoration) {
    return !probe.is_directory() && restoration.recognises(probe);
  });
  if (found == kRestorations.end()) {
    fail(ErrorCode::unsupported,
         "torchkeep repairs zip archives, stacked pickles and safetensors; this is none of them");
  }
  report.format = found->format;
  return found->restore(probe, options);
}

}  // namespace

std::string_view name(RestoredTensor::Condition condition) {
  constexpr std::array<std::string_view, 6> kNames = {"whole",   "mended",  "unverified",
                                                      "damaged", "partial", "lost"};
  return kNames[static_cast<std::size_t>(condition)];
}

bool RepairReport::is_complete() const {
  return is_written && notes.empty() &&
         std::ranges::all_of(tensors, [](const RestoredTensor& tensor) {
           return tensor.is_kept && tensor.condition <= RestoredTensor::Condition::unverified;
         });
}

RepairReport repair(const std::filesystem::path& input,
                    const std::filesystem::path& output,
                    const RepairOptions& options) {
  RepairReport report;
  report.input = input;
  report.output = output;
  refuse_same_file(input, output);
  Restored restored;
  try {
    const Probe probe(input, options.limits);
    restored = restore(probe, options, report);
    report.tensors = inspection::list_tensors(restored, options);
  } catch (Error& error) {
    error.add_place(io::at_path(input));
    throw;
  }
  report.notes = restored.notes;
  if (!inspection::prune(restored, options)) {
    report.notes.push_back("nothing could be saved");
    return report;
  }
  save(restored.value, output, {.durability = options.durability});
  report.is_written = true;
  return report;
}

}  // namespace torchkeep
