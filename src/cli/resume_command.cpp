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
    bool accept_incomplete = false;
    bool go_on = false;
    bool json = false;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& command =
      program.add_command({.name = "resume",
                           .summary = "Go on with a training that was interrupted",
                           .examples = "torchkeep resume runs/first\n"
                                       "torchkeep resume runs/first --epochs 20"},
                          [arguments] {
                            ResumeOptions options;
                            if (arguments->accept_incomplete) {
                              options.incomplete = RestoreOptions::Incomplete::accept;
                            }
                            if (arguments->go_on) {
                              options.after_stop = ResumeOptions::AfterStop::go_on;
                            }
                            return resume_run(arguments->directory, arguments->epochs, options,
                                              arguments->json ? Display::json : Display::progress);
                          });
  command.add_option("DIR", arguments->directory, "Directory of the run")->required();
  command
      .add_option("--epochs", arguments->epochs,
                  "Passes over the images in all; as many as planned if left out")
      ->check(positive_number());
  command.add_flag("--go-on", arguments->go_on,
                   "Go on, with new patience, where the training was stopped early");
  command.add_flag("--accept-incomplete", arguments->accept_incomplete,
                   "Leave as new what cannot be restored, instead of refusing; it is listed");
  command.add_flag("--json", arguments->json, "Print nothing but one JSON document at the end");
}

}  // namespace torchkeep::cli
