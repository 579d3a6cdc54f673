#include <memory>
#include <optional>

#include "cli/commands.h"
#include "cli/number_checks.h"
#include "cli/training_run.h"

namespace torchkeep::cli {

void add_resume_command(Program& program) {
  struct Arguments {
    std::filesystem::path directory;
    std::optional<std::int64_t> epochs;
    bool json = false;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& command =
      program.add_command({.name = "resume",
                           .summary = "Go on with a training that was interrupted",
                           .examples = "torchkeep resume runs/first\n"
                                       "torchkeep resume runs/first --epochs 20"},
                          [arguments] {
                            resume_run(arguments->directory, arguments->epochs,
                                       arguments->json ? Display::json : Display::progress);
                            return ExitStatus::done;
                          });
  command.add_option("DIR", arguments->directory, "Directory of the run")->required();
  command
      .add_option("--epochs", arguments->epochs,
                  "Passes over the images in all; as many as planned if left out")
      ->check(positive_number());
  command.add_flag("--json", arguments->json, "Print nothing but one JSON document at the end");
}

}  // namespace torchkeep::cli
