#include <memory>

#include <torchkeep/checkpoint_list.h>
#include <torchkeep/checkpoint_manager.h>

#include "base/fail.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace torchkeep::cli {
namespace {

struct BestArguments {
  std::filesystem::path directory;
  std::string monitor;
  std::string mode = "min";
};

std::optional<CheckpointInfo> find_best(const BestArguments& arguments) {
  if (arguments.monitor.empty()) return best_checkpoint(arguments.directory);
  const auto checkpoints = list_checkpoints(arguments.directory);
  require_metric(checkpoints, arguments.monitor);
  return best_checkpoint(checkpoints, arguments.monitor, mode_from_name(arguments.mode).value());
}

ExitStatus run_best(const BestArguments& arguments) {
  const auto best = find_best(arguments);
  if (!best) {
    write_error(fmt::format("{}: there is no checkpoint in it", arguments.directory.string()));
    return ExitStatus::negative;
  }
  write_output(best->path.string() + "\n");
  return ExitStatus::done;
}

}  // namespace

void add_best_command(Program& program) {
  const auto arguments = std::make_shared<BestArguments>();
  CLI::App& command =
      program.add_command({.name = "best",
                           .summary = "Print the path of the best checkpoint of a run",
                           .examples = "torchkeep best runs/first\n"
                                       "torchkeep best runs/first --metric val_acc --mode max"},
                          [arguments] { return run_best(*arguments); });
  command.add_option("DIR", arguments->directory, "Directory of the run")->required();
  CLI::Option* monitor =
      command.add_option("--metric,--monitor", arguments->monitor,
                         "Metric that decides; that of the training if left out");
  command.add_option("--mode", arguments->mode, "Whether a small or a large metric is good")
      ->check(CLI::IsMember({"min", "max"}))
      ->needs(monitor)
      ->capture_default_str();
}

}  // namespace torchkeep::cli
