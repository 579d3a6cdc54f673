#include <memory>

#include <torchkeep/lr_finder.h>

#include "cli/commands.h"
#include "cli/number_checks.h"
#include "cli/output.h"
#include "cli/training_builder.h"
#include "cli/training_options.h"

namespace torchkeep::cli {

void add_find_lr_command(Program& program) {
  struct Arguments {
    TrainingOptions training;
    LrSearchOptions search;
    bool json = false;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& command = program.add_command(
      {.name = "find-lr",
       .summary = "Try growing learning rates on a training and suggest one",
       .examples = "torchkeep find-lr --model resnet18 --weights DEFAULT --data photos --recipe "
                   "head\n"
                   "torchkeep find-lr --config training.toml --max-lr 10 --json"},
      [arguments] {
        TrainingParts parts = build_training(arguments->training.settings());
        arguments->search.loss = parts.options.loss;
        const LrSearch search =
            find_learning_rate(parts.model, *parts.optimizer, parts.training, arguments->search);
        write_output(arguments->json ? to_json(search) + "\n" : to_string(search));
        return ExitStatus::done;
      });
  arguments->training.add_to(command);
  command.add_option("--min-lr", arguments->search.min_lr, "The first rate")
      ->check(positive_number())
      ->capture_default_str();
  command.add_option("--max-lr", arguments->search.max_lr, "The last rate")
      ->check(positive_number())
      ->capture_default_str();
  command.add_option("--steps", arguments->search.steps, "Rates to try, one a batch")
      ->check(CLI::Range(10, 1000000))
      ->capture_default_str();
  command.add_flag("--json", arguments->json, "Print one JSON document");
}

}  // namespace torchkeep::cli
