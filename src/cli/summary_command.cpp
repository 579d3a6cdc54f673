#include <memory>
#include <vector>

#include <torchkeep/model_summary.h>

#include <ATen/ops/zeros.h>

#include "cli/commands.h"
#include "cli/model_file.h"
#include "cli/number_checks.h"
#include "cli/output.h"

namespace torchkeep::cli {
namespace summary_detail {

struct SummaryArguments {
  ModelArguments model;
  std::vector<std::int64_t> input;
  bool json = false;
};

ExitStatus run(const SummaryArguments& arguments) {
  const Model model = load_whole_model(arguments.model);
  std::optional<at::Tensor> input;
  if (!arguments.input.empty()) input = at::zeros(arguments.input);
  const ModelSummary summary = summarise(model, input);
  write_output(arguments.json ? to_json(summary) + "\n" : to_string(summary));
  return ExitStatus::done;
}

}  // namespace summary_detail

void add_summary_command(Program& program) {
  const auto arguments = std::make_shared<summary_detail::SummaryArguments>();
  CLI::App& command = program.add_command(
      {.name = "summary",
       .summary = "Show the layers of a model: classes, output shapes, parameters, what is frozen",
       .examples = "torchkeep summary model.pt\n"
                   "torchkeep summary model.pt --input 1,3,224,224"},
      [arguments] { return summary_detail::run(*arguments); });
  add_model_options(command, arguments->model);
  command
      .add_option("--input", arguments->input,
                  "Sizes of an input, batch first: compute it once to learn the output shapes")
      ->delimiter(',')
      ->check(positive_number());
  command.add_flag("--json", arguments->json, "Print one JSON document");
}

}  // namespace torchkeep::cli
