#include <filesystem>
#include <memory>

#include <torchkeep/resume_proof.h>

#include <nlohmann/json.hpp>

#include "base/fail.h"
#include "cli/commands.h"
#include "cli/number_checks.h"
#include "cli/output.h"
#include "cli/training_builder.h"
#include "cli/training_options.h"

namespace torchkeep::cli {
namespace prove_resume_detail {

struct Arguments {
  TrainingOptions options;
  std::int64_t steps = 20;
  std::int64_t stop_at = 10;
  std::filesystem::path directory;
  bool json = false;
};

ExitStatus run(Arguments& arguments) {
  std::error_code error;
  if (std::filesystem::exists(arguments.directory, error) &&
      !std::filesystem::is_empty(arguments.directory, error)) {
    fail_at(ErrorCode::invalid_argument, {.path = arguments.directory.string()},
            "name another directory", "is not an empty directory");
  }
  const RunSettings settings = arguments.options.settings();
  const auto build = [&settings](const Value* checkpoint) {
    return build_training(
        checkpoint ? settings_from_value((*checkpoint)["hyper_parameters"]) : settings, checkpoint);
  };
  const ResumeProof proof = prove_resume(
      build,
      {.steps = arguments.steps, .stop_at = arguments.stop_at, .directory = arguments.directory});
  const bool exact = proof.difference.empty();
  if (arguments.json) {
    const nlohmann::ordered_json json = {{"exact", exact},
                                         {"difference", proof.difference},
                                         {"steps", proof.steps},
                                         {"values", proof.values},
                                         {"bytes", proof.bytes}};
    write_output(json.dump(2) + "\n");
  } else if (exact) {
    write_output(
        fmt::format("exact: {} steps after the stop with the same batches and losses, "
                    "then {} values ({} bytes of tensors) equal to the bit\n",
                    proof.steps, proof.values, proof.bytes));
  } else {
    write_output(fmt::format("not exact: {}\n", proof.difference));
  }
  return exact ? ExitStatus::done : ExitStatus::negative;
}

}  // namespace prove_resume_detail

void add_prove_resume_command(Program& program) {
  const auto arguments = std::make_shared<prove_resume_detail::Arguments>();
  CLI::App& command = program.add_command(
      {.name = "prove-resume",
       .summary = "Train at a stretch and with a stop, and compare to the bit",
       .examples = "torchkeep prove-resume --classes 0-4 --per-class 50 --directory /tmp/proof\n"
                   "torchkeep prove-resume --scheduler one-cycle --schedule-each step --steps 40 "
                   "--stop-at 17 --directory /tmp/proof"},
      [arguments] { return prove_resume_detail::run(*arguments); });
  arguments->options.add_to(command);
  command.add_option("--steps", arguments->steps, "Steps of the optimizer in all")
      ->check(positive_number())
      ->capture_default_str();
  command.add_option("--stop-at", arguments->stop_at, "The step after which to stop and resume")
      ->check(positive_number())
      ->capture_default_str();
  command
      .add_option("--directory", arguments->directory,
                  "Empty directory for the two runs; it is left there to be looked at")
      ->required();
  command.add_flag("--json", arguments->json, "Print one JSON document");
}

}  // namespace torchkeep::cli
