#include <memory>

#include <torchkeep/checkpoint_manager.h>

#include <nlohmann/json.hpp>

#include "base/fail.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "train/metrics_json.h"

namespace torchkeep::cli {
namespace {

struct ListArguments {
  std::filesystem::path directory;
  bool json = false;
};

std::string as_json(const std::vector<CheckpointInfo>& checkpoints,
                    const std::optional<CheckpointInfo>& best) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const CheckpointInfo& info : checkpoints) {
    list.push_back({{"path", info.path.string()},
                    {"epoch", info.epoch},
                    {"step", info.step},
                    {"metrics", to_json(info.metrics)},
                    {"bytes", info.file_bytes}});
  }
  nlohmann::ordered_json json = {{"best", nullptr}, {"checkpoints", std::move(list)}};
  if (best) json["best"] = best->path.string();
  return json.dump(2) + "\n";
}

std::string as_table(const std::vector<CheckpointInfo>& checkpoints,
                     const std::optional<CheckpointInfo>& best) {
  std::string table;
  for (const CheckpointInfo& info : checkpoints) {
    const bool is_best = best && best->path == info.path;
    table += fmt::format("{} epoch {:>3}  step {:>7}", is_best ? '*' : ' ', info.epoch, info.step);
    for (const auto& [name, value] : info.metrics) table += fmt::format("  {} {:.4f}", name, value);
    table += fmt::format("  {}\n", info.path.filename().string());
  }
  return table + fmt::format("{} checkpoint{}; * is the best\n", checkpoints.size(),
                             checkpoints.size() == 1 ? "" : "s");
}

ExitStatus run_list(const ListArguments& arguments) {
  const auto checkpoints = list_checkpoints(arguments.directory);
  const auto best = best_checkpoint(arguments.directory);
  write_output(arguments.json ? as_json(checkpoints, best) : as_table(checkpoints, best));
  return ExitStatus::done;
}

}  // namespace

void add_list_command(Program& program) {
  const auto arguments = std::make_shared<ListArguments>();
  CLI::App& command =
      program.add_command({.name = "list",
                           .summary = "List the checkpoints of a run, oldest first",
                           .examples = "torchkeep list runs/first\n"
                                       "torchkeep list runs/first --json | jq -r .best"},
                          [arguments] { return run_list(*arguments); });
  command.add_option("DIR", arguments->directory, "Directory of the run")->required();
  command.add_flag("--json", arguments->json, "Print one JSON document");
}

}  // namespace torchkeep::cli
