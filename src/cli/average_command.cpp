#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <torchkeep/average_best.h>
#include <torchkeep/save.h>

#include "base/fail.h"
#include "base/printable.h"
#include "base/table.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/progress_bar.h"
#include "cli/save_arguments.h"

namespace torchkeep::cli {
namespace {

struct AverageArguments {
  std::optional<int> best;  // of the directory that stands in the place of the files
  BestCheckpoints wanted;
  std::string mode;
  std::vector<std::filesystem::path> files;
  std::filesystem::path output;
  AverageOptions options;
  SaveArguments save;
};

Average average_of(const AverageArguments& arguments, const AverageOptions& options) {
  if (!arguments.best) return average(arguments.files, options);
  if (arguments.files.size() > 1) {
    fail_at(ErrorCode::invalid_argument, {}, "name the directory of one run",
            "--best chooses from a directory (got {} paths)", arguments.files.size());
  }
  BestCheckpoints wanted = arguments.wanted;
  wanted.count = *arguments.best;
  wanted.mode = mode_from_name(arguments.mode);
  return average_best(arguments.files.front(), wanted, options);
}

// The files that were averaged, or the choice of them.
std::string sources(const AverageArguments& arguments) {
  const std::string last = printable(arguments.files.back().string());
  return arguments.best ? fmt::format("the best of {}", last) : last;
}

ExitStatus run_average(const AverageArguments& arguments) {
  AverageOptions options = arguments.options;
  Average result;
  {
    ProgressBar bar("averaging");
    options.progress = bar.function();
    result = average_of(arguments, options);
  }
  save(result.value, arguments.output, arguments.save.options());
  write_output(fmt::format("{}: the mean of {}, {} kept from {}\n",
                           printable(arguments.output.string()), counted(result.averaged, "tensor"),
                           grouped(result.kept.size()), sources(arguments)));
  return ExitStatus::done;
}

}  // namespace

void add_average_command(Program& program) {
  const auto arguments = std::make_shared<AverageArguments>();
  CLI::App& command = program.add_command(
      {.name = "average",
       .summary = "Write the mean of checkpoints of one model",
       .examples = "torchkeep average runs/a/epoch_*.pt -o mean.pt\n"
                   "torchkeep average last.pt best.pt -o mean.pt --weights 1,3\n"
                   "torchkeep average a.ckpt b.ckpt -o mean.pt --key state_dict\n"
                   "torchkeep average --best 5 runs/a -o mean.pt"},
      [arguments] { return run_average(*arguments); });
  command
      .add_option("FILES", arguments->files,
                  "The files; what is not averaged is that of the last one. With --best a run")
      ->required();
  command
      .add_option("--best", arguments->best,
                  "Average so many of the best checkpoints of a run; the rest is of the best")
      ->check(CLI::Range(1, 1000000));
  command.add_option("--metric", arguments->wanted.monitor,
                     "What --best goes by; that of the training if left out");
  command.add_option("--mode", arguments->mode, "Whether a small or a large metric is good")
      ->check(CLI::IsMember({"min", "max"}));
  command.add_option("-o,--output", arguments->output, "The file to write")->required();
  command.add_option("--weights", arguments->options.weights, "How much each file counts")
      ->delimiter(',');
  command.add_option("--key", arguments->options.key,
                     "The state dict in each file, as a dotted path");
  arguments->save.add_to(command);
}

}  // namespace torchkeep::cli
