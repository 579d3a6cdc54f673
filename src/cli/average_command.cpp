#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <torchkeep/average.h>
#include <torchkeep/save.h>

#include <fmt/format.h>

#include "base/printable.h"
#include "base/table.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/progress_bar.h"
#include "cli/save_arguments.h"

namespace torchkeep::cli {
namespace {

struct AverageArguments {
  std::vector<std::filesystem::path> files;
  std::filesystem::path output;
  AverageOptions options;
  SaveArguments save;
};

ExitStatus run_average(const AverageArguments& arguments) {
  AverageOptions options = arguments.options;
  Average result;
  {
    ProgressBar bar("averaging");
    options.progress = bar.function();
    result = average(arguments.files, options);
  }
  save(result.value, arguments.output, arguments.save.options());
  write_output(fmt::format("{}: the mean of {}, {} kept from {}\n",
                           printable(arguments.output.string()), counted(result.averaged, "tensor"),
                           grouped(result.kept.size()),
                           printable(arguments.files.back().string())));
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
                   "torchkeep average a.ckpt b.ckpt -o mean.pt --key state_dict"},
      [arguments] { return run_average(*arguments); });
  command
      .add_option("FILES", arguments->files,
                  "The files; what is not averaged is that of the last one")
      ->required();
  command.add_option("-o,--output", arguments->output, "The file to write")->required();
  command.add_option("--weights", arguments->options.weights, "How much each file counts")
      ->delimiter(',');
  command.add_option("--key", arguments->options.key,
                     "The state dict in each file, as a dotted path");
  arguments->save.add_to(command);
}

}  // namespace torchkeep::cli
