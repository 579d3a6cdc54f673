#include <filesystem>
#include <memory>

#include "cli/commands.h"
#include "cli/training_options.h"
#include "cli/training_run.h"

namespace torchkeep::cli {

void add_train_command(Program& program) {
  struct Arguments {
    TrainingOptions options;
    std::filesystem::path output = "run";
    bool json = false;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& command = program.add_command(
      {.name = "train",
       .summary = "Train a model and keep its checkpoints",
       .examples =
           "torchkeep train --classes 0-4 --epochs 5 --output runs/first\n"
           "torchkeep train --from runs/first --freeze 'features.*' --classes 5-9 --per-class 20 "
           "--output runs/second"},
      [arguments, &program] {
        const RunSettings settings = arguments->options.settings();  // may set the others, too
        return train_run(settings, program.command_line(), arguments->output,
                         arguments->json ? Display::json : Display::progress);
      });
  arguments->options.add_to(command);
  command.add_option("-o,--output", arguments->output, "Directory of the run")
      ->capture_default_str();
  command.add_flag("--json", arguments->json, "Print nothing but one JSON document at the end");
}

}  // namespace torchkeep::cli
