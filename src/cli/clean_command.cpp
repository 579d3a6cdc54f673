#include <memory>

#include <torchkeep/cleaning.h>

#include <nlohmann/json.hpp>

#include "base/fail.h"
#include "base/table.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace torchkeep::cli {
namespace {

struct CleanArguments {
  std::filesystem::path directory;
  RetentionPolicy policy;
  std::string mode;
  bool dry_run = false;
  bool trash = false;
  bool json = false;
};

std::string as_json(const CleaningPlan& plan) {
  const auto paths = [](const std::vector<CheckpointInfo>& checkpoints) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const CheckpointInfo& info : checkpoints) list.push_back(info.path.string());
    return list;
  };
  const nlohmann::ordered_json json = {
      {"kept", paths(plan.kept)}, {"dropped", paths(plan.dropped)}, {"bytes", plan.bytes}};
  return json.dump(2) + "\n";
}

std::string as_text(const CleaningPlan& plan, const CleanArguments& arguments) {
  const std::string verb = arguments.trash ? "to the trash" : "delete";
  std::string text;
  for (const CheckpointInfo& info : plan.dropped) {
    text += fmt::format("{}  {}  {}\n", verb, human_size(info.file_bytes), info.path.string());
  }
  return text + fmt::format("{}: {} kept, {} dropped, {}\n",
                            arguments.dry_run ? "nothing was done" : "done", plan.kept.size(),
                            counted(plan.dropped.size(), "checkpoint"), human_size(plan.bytes));
}

ExitStatus run_clean(const CleanArguments& arguments) {
  RetentionPolicy policy = arguments.policy;
  policy.mode = mode_from_name(arguments.mode);
  const CleaningPlan plan = plan_cleaning(arguments.directory, policy);
  if (!arguments.dry_run) {
    carry_out(plan, arguments.trash ? Deletion::move_to_trash : Deletion::remove);
  }
  write_output(arguments.json ? as_json(plan) : as_text(plan, arguments));
  return ExitStatus::done;
}

void add_rules(CLI::App& command, RetentionPolicy& policy) {
  command.add_option("--best", policy.best, "Keep so many of the best");
  command.add_option("--last", policy.last, "Keep so many of the newest; 1 if left out");
  command.add_option("--every-n-epochs", policy.every_n_epochs,
                     "Keep the first in each stretch of so many epochs");
  command.add_option("--every-n-steps", policy.every_n_steps,
                     "Keep the first in each stretch of so many steps");
  command.add_option("--every-n-minutes", policy.every_n_minutes,
                     "Keep the first in each stretch of so many minutes");
  command.add_option("--metric", policy.monitor,
                     "What --best goes by; that of the training if left out");
}

}  // namespace

void add_clean_command(Program& program) {
  const auto arguments = std::make_shared<CleanArguments>();
  CLI::App& command = program.add_command(
      {.name = "clean",
       .summary = "Drop the checkpoints of a run that no rule wants to keep",
       .examples = "torchkeep clean runs/first --best 3 --dry-run\n"
                   "torchkeep clean runs/first --best 1 --last 2 --every-n-epochs 10 --trash"},
      [arguments] { return run_clean(*arguments); });
  command.add_option("DIR", arguments->directory, "Directory of the run")->required();
  add_rules(command, arguments->policy);
  command.add_option("--mode", arguments->mode, "Whether a small or a large metric is good")
      ->check(CLI::IsMember({"min", "max"}));
  command.add_flag("--dry-run", arguments->dry_run, "Only say what would be done");
  command.add_flag("--trash", arguments->trash, "Move the files to DIR/trash instead");
  command.add_flag("--json", arguments->json, "Print one JSON document");
}

}  // namespace torchkeep::cli
