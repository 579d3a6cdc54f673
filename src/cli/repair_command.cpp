#include <memory>

#include <torchkeep/repair.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/progress_bar.h"

namespace torchkeep::cli {
namespace {

struct RepairArguments {
  std::filesystem::path input;
  std::filesystem::path output;
  bool keep_damaged = false;
  bool fill_partial = false;
  bool json = false;
};

RepairReport repair_with_progress(const RepairArguments& arguments) {
  ProgressBar bar("reading " + arguments.input.filename().string());
  RepairOptions options;
  options.keep_damaged = arguments.keep_damaged;
  options.fill_partial = arguments.fill_partial;
  options.progress = bar.function();
  return repair(arguments.input, arguments.output, options);
}

ExitStatus run_repair(const RepairArguments& arguments) {
  const RepairReport report = repair_with_progress(arguments);
  write_output(arguments.json ? to_json(report) + "\n" : to_string(report));
  return report.is_complete() ? ExitStatus::done : ExitStatus::negative;
}

}  // namespace

void add_repair_command(Program& program) {
  const auto arguments = std::make_shared<RepairArguments>();
  CLI::App& command =
      program.add_command({.name = "repair",
                           .summary = "Save what is whole from a damaged or truncated file",
                           .examples = "torchkeep repair broken.pt saved.pt\n"
                                       "torchkeep repair broken.pt saved.pt --fill-partial --json"},
                          [arguments] { return run_repair(*arguments); });
  command.add_option("IN", arguments->input, "The damaged file, which is not changed")->required();
  command.add_option("OUT", arguments->output, "The file to write")->required();
  command.add_flag("--keep-damaged", arguments->keep_damaged,
                   "Keep tensors whose checksum differs");
  command.add_flag("--fill-partial", arguments->fill_partial,
                   "Keep tensors of which a part is missing, filled with zeros");
  command.add_flag("--json", arguments->json, "Print one JSON document");
}

}  // namespace torchkeep::cli
