#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <torchkeep/error.h>
#include <torchkeep/scan.h>

#include "cli/commands.h"
#include "cli/output.h"

namespace torchkeep::cli {
namespace {

struct ScanArguments {
  std::vector<std::filesystem::path> paths;
  ScanOptions options;
  bool json = false;
  bool allow_unknown = false;
};

// A file that cannot be read does not keep the others from being scanned.
ExitStatus run_scan(const ScanArguments& arguments) {
  const ScanReport::Verdict accepted =
      arguments.allow_unknown ? ScanReport::Verdict::unknown : ScanReport::Verdict::clean;
  std::vector<std::filesystem::path> files;
  for (const std::filesystem::path& path : arguments.paths) {
    for (std::filesystem::path& file : files_below(path)) files.push_back(std::move(file));
  }
  ExitStatus status = ExitStatus::done;
  std::vector<ScanReport> reports;
  for (const std::filesystem::path& file : files) {
    try {
      ScanReport report = scan(file, arguments.options);
      if (report.verdict() > accepted) status = std::max(status, ExitStatus::negative);
      if (!arguments.json) write_output(to_string(report));
      reports.push_back(std::move(report));
    } catch (const Error& error) {
      if (files.size() == 1) throw;
      write_error(error.what());
      status = ExitStatus::error;
    }
  }
  if (arguments.json) write_output(to_json(reports) + "\n");
  return status;
}

}  // namespace

void add_scan_command(Program& program) {
  const auto arguments = std::make_shared<ScanArguments>();
  CLI::App& command = program.add_command(
      {.name = "scan",
       .summary = "List what Python would import from the pickles of files; nothing is run",
       .examples = "torchkeep scan download.pt\n"
                   "torchkeep scan models/ --allow-unknown\n"
                   "torchkeep scan model.pt --allow 'my_project.*' --json"},
      [arguments] { return run_scan(*arguments); });
  command.add_option("FILE", arguments->paths, "Files, or directories with files")->required();
  command
      .add_option("--allow", arguments->options.allow,
                  "Count globals of this pattern as harmless; may be repeated")
      ->type_name("PATTERN")
      ->take_all()
      ->allow_extra_args(false);
  command.add_flag("--allow-unknown", arguments->allow_unknown,
                   "Exit with 0 where globals are unknown but none is dangerous");
  command.add_flag("--json", arguments->json, "Print one JSON document");
}

}  // namespace torchkeep::cli
