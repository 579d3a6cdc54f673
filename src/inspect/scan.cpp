#include <algorithm>
#include <array>
#include <system_error>

#include <torchkeep/error.h>
#include <torchkeep/scan.h>

#include "base/fail.h"
#include "format/format.h"
#include "inspect/scan_content.h"
#include "io/memory.h"
#include "io/system_error.h"

namespace torchkeep {
namespace {

using inspection::ContentScanner;

// Data files of distributed checkpoints are archives one after the other.
bool is_row_of_archives(const std::filesystem::path& path) { return path.extension() == ".distcp"; }

// What the strict readers say of the file. What they refuse, others may understand differently.
ContentScanner::Archive check_archive(const std::filesystem::path& path,
                                      const Limits& limits,
                                      ScanReport& report) {
  try {
    const Probe probe(path, limits);
    const bool is_archive = probe.archive() != nullptr;
    try {
      report.format = detect_format(probe).name;
    } catch (const Error&) {
      // The scanner finds what there is to find.
    }
    if (is_archive) return ContentScanner::Archive::checked;
  } catch (const Error& error) {
    if (is_row_of_archives(report.path)) return ContentScanner::Archive::checked;
    report.suspicions.push_back({error.place().record, error.place().byte_offset, error.problem()});
  }
  return ContentScanner::Archive::unchecked;
}

}  // namespace

std::string_view name(ScanReport::Verdict verdict) {
  constexpr std::array<std::string_view, 4> kNames = {"clean", "unknown", "suspicious",
                                                      "dangerous"};
  return kNames[static_cast<std::size_t>(verdict)];
}

ScanReport::Verdict ScanReport::verdict() const {
  Risk worst = Risk::data;
  for (const ScannedGlobal& global : globals) worst = std::max(worst, global.risk);
  if (worst == Risk::dangerous) return Verdict::dangerous;
  if (!suspicions.empty()) return Verdict::suspicious;
  return worst == Risk::unknown ? Verdict::unknown : Verdict::clean;
}

ScanReport scan(const std::filesystem::path& path, const ScanOptions& options) {
  ScanReport report;
  report.path = path;
  try {
    const io::InputFile file(path);
    report.file_bytes = file.size();
    const io::MappedFile mapped(file);
    const ContentScanner::Archive archive = check_archive(path, options.limits, report);
    ContentScanner(options, report).scan(mapped.bytes(), archive);
  } catch (Error& error) {
    error.add_place(io::at_path(path));
    throw;
  }
  return report;
}

std::vector<std::filesystem::path> files_below(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) return {path};
  std::vector<std::filesystem::path> files;
  for (auto entry = std::filesystem::recursive_directory_iterator(path, error);
       !error && entry != std::filesystem::recursive_directory_iterator(); entry.increment(error)) {
    if (entry->is_regular_file(error) && !entry->is_symlink(error)) files.push_back(entry->path());
  }
  if (error) {
    fail_at(ErrorCode::io, io::at_path(path), "", "cannot list the files ({})", error.message());
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace torchkeep
