#include <filesystem>
#include <memory>
#include <string>

#include <torchkeep/diff.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/progress_bar.h"

namespace torchkeep::cli {
namespace {

struct DiffArguments {
  std::filesystem::path a;
  std::filesystem::path b;
  std::string key;
  DiffOptions options;
  bool no_values = false;
  bool ignore_dtype = false;
  bool quiet = false;
  bool json = false;
};

ExitStatus run_diff(const DiffArguments& arguments) {
  DiffOptions options = arguments.options;
  if (options.key_a.empty()) options.key_a = arguments.key;
  if (options.key_b.empty()) options.key_b = arguments.key;
  if (arguments.no_values) options.values = DiffOptions::Values::ignore;
  if (arguments.ignore_dtype) options.dtypes = DiffOptions::DTypes::ignore;
  Diff result;
  {
    ProgressBar bar("comparing");
    options.progress = bar.function();
    result = diff(arguments.a, arguments.b, options);
  }
  if (arguments.json) {
    write_output(to_json(result) + "\n");
  } else if (!arguments.quiet) {
    write_output(to_string(result));
  }
  return result.same() ? ExitStatus::done : ExitStatus::negative;
}

}  // namespace

void add_diff_command(Program& program) {
  const auto arguments = std::make_shared<DiffArguments>();
  CLI::App& command = program.add_command(
      {.name = "diff",
       .summary = "Show what differs between two files; status 1 if anything does",
       .examples = "torchkeep diff before.pt after.pt\n"
                   "torchkeep diff model.pt model.safetensors --key-a model_state_dict\n"
                   "torchkeep diff model.pt half.pt --ignore-dtype --rtol 1e-3\n"
                   "torchkeep diff a.pt b.pt --json | jq .frozen.untouched"},
      [arguments] { return run_diff(*arguments); });
  command.add_option("A", arguments->a, "The first file")->required();
  command.add_option("B", arguments->b, "The second file")->required();
  command.add_option("--rtol", arguments->options.rtol,
                     "Relative tolerance: same where |a - b| <= atol + rtol * |b|");
  command.add_option("--atol", arguments->options.atol,
                     "Absolute tolerance; without a tolerance the bits must be the same");
  command.add_option("--key", arguments->key, "Compare only this part of both, as a dotted path");
  command.add_option("--key-a", arguments->options.key_a, "The part of the first file");
  command.add_option("--key-b", arguments->options.key_b, "The part of the second file");
  command.add_flag("--no-values", arguments->no_values, "Compare only names, types and shapes");
  command.add_flag("--ignore-dtype", arguments->ignore_dtype,
                   "Let other element types pass if the numbers are the same");
  command.add_flag("--quiet,-q", arguments->quiet, "Print nothing; the exit status tells");
  command.add_flag("--json", arguments->json, "Print one JSON document");
}

}  // namespace torchkeep::cli
