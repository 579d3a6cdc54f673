#include <algorithm>
#include <memory>

#include <ATen/Parallel.h>
#include <nlohmann/json.hpp>

#include "base/fail.h"
#include "base/parallel.h"
#include "cli/class_list.h"
#include "cli/commands.h"
#include "cli/number_checks.h"
#include "cli/output.h"
#include "cli/training_builder.h"

namespace torchkeep::cli {
namespace eval_detail {

struct EvalArguments {
  std::filesystem::path model;
  std::string data;
  std::string split = "test";
  std::string classes;
  std::int64_t batch_size = 256;
  bool json = false;
};

// What the checkpoint was trained on, where it says so.
RunSettings settings_of(const Value& checkpoint) {
  const Value* settings = checkpoint.find("hyper_parameters");
  return settings == nullptr || settings->is_none() ? RunSettings()
                                                    : settings_from_value(*settings);
}

void check_classes(const Model& model, const Dataset& dataset) {
  const Value configuration = model.configuration();
  const Value* outputs = configuration.find("num_classes");
  const auto classes = static_cast<std::int64_t>(dataset.class_names.size());
  if (outputs == nullptr || outputs->as_int() == classes) return;
  fail_at(ErrorCode::mismatch, {}, "name the classes with --classes",
          "the model tells {} classes apart (got data with {})", outputs->as_int(), classes);
}

ExitStatus run_eval(const EvalArguments& arguments) {
  at::set_num_threads(usable_processors());
  const LoadedModel loaded = load_model_of(arguments.model);
  RunSettings settings = settings_of(loaded.value);
  if (!arguments.data.empty()) settings.data = arguments.data;
  if (!arguments.classes.empty()) settings.classes = parse_classes(arguments.classes);
  const Split split = arguments.split == "test" ? Split::test : Split::train;
  const Dataset dataset = load_data(settings.data, split, settings.classes);
  check_classes(loaded.model, dataset);
  BatchSource batches(dataset, {.batch_size = arguments.batch_size});
  const Metrics metrics = evaluate(loaded.model, batches);
  if (arguments.json) {
    const nlohmann::ordered_json json = {
        {"path", loaded.path.string()},   {"split", arguments.split},   {"images", dataset.size()},
        {"classes", dataset.class_names}, {"loss", metrics.at("loss")}, {"acc", metrics.at("acc")}};
    write_output(json.dump(2) + "\n");
  } else {
    write_output(fmt::format("{}: loss {:.4f}, accuracy {:.4f} on {} {} images of {} classes\n",
                             loaded.path.string(), metrics.at("loss"), metrics.at("acc"),
                             dataset.size(), arguments.split, dataset.class_names.size()));
  }
  return ExitStatus::done;
}

}  // namespace eval_detail

void add_eval_command(Program& program) {
  const auto arguments = std::make_shared<eval_detail::EvalArguments>();
  CLI::App& command = program.add_command(
      {.name = "eval",
       .summary = "Measure a checkpoint on a test set",
       .examples = "torchkeep eval runs/first\n"
                   "torchkeep eval runs/first/checkpoint_model_3_0.2500_0.9100.pt --split train"},
      [arguments] { return eval_detail::run_eval(*arguments); });
  command
      .add_option("CHECKPOINT", arguments->model,
                  "Checkpoint or whole model, or the directory of a run (its best checkpoint)")
      ->required();
  command.add_option("--data", arguments->data,
                     "fashion-mnist, fashion-mnist:DIR or idx:DIR; as in training if left out");
  command.add_option("--split", arguments->split, "Which images")
      ->check(CLI::IsMember({"test", "train"}))
      ->capture_default_str();
  command.add_option("--classes", arguments->classes, "Such as 0-4; as in training if left out")
      ->check(classes_validator());
  command.add_option("--batch-size", arguments->batch_size, "Images computed at once")
      ->check(positive_number())
      ->capture_default_str();
  command.add_flag("--json", arguments->json, "Print one JSON document");
}

}  // namespace torchkeep::cli
