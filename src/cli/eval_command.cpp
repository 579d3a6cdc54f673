#include <algorithm>
#include <memory>

#include <torchkeep/evaluation.h>
#include <torchkeep/image_model.h>
#include <torchkeep/module.h>

#include <ATen/Parallel.h>
#include <nlohmann/json.hpp>

#include "base/fail.h"
#include "base/parallel.h"
#include "base/table.h"
#include "cli/class_list.h"
#include "cli/commands.h"
#include "cli/number_checks.h"
#include "cli/output.h"
#include "cli/training_builder.h"
#include "cli/training_data.h"

namespace torchkeep::cli {
namespace eval_detail {

using Json = nlohmann::ordered_json;

struct EvalArguments {
  std::filesystem::path model;
  std::string architecture;
  std::string data;
  std::string split = "test";
  std::string classes;
  ImageOptions images;
  std::int64_t batch_size = 256;
  bool confusion = false;
  bool ema = false;
  bool json = false;
};

// What the checkpoint was trained on, where it says so.
RunSettings settings_of(const Value& checkpoint) {
  const Value* settings = checkpoint.find("hyper_parameters");
  return settings == nullptr || settings->is_none() ? RunSettings()
                                                    : settings_from_value(*settings);
}

struct Measured {
  std::string split;
  Dataset dataset;
};

// Data that are named and have no parts are measured as a whole: they are not those of a training.
Measured find_data(const EvalArguments& arguments, const Value& checkpoint) {
  const Split split = arguments.split == "test" ? Split::test : Split::train;
  RunSettings settings;
  if (arguments.data.empty() && checkpoint.is_dict()) settings = settings_of(checkpoint);
  if (!arguments.classes.empty()) settings.classes = parse_classes(arguments.classes);
  if (arguments.data.empty()) {
    return {arguments.split, load_data(settings.data, split, settings.classes)};
  }
  if (load_dataset(arguments.data, split)) {
    return {arguments.split, load_data(arguments.data, split, settings.classes)};
  }
  return {"all", load_data(arguments.data, Split::train, settings.classes)};
}

// With the labels of the model's classes.
Dataset for_classes_of(const Model& model, const Dataset& dataset) {
  const std::vector<std::string> names = class_names(model);
  if (!names.empty()) return with_classes(dataset, names);
  const Value configuration = model.configuration();
  const Value* outputs = configuration.find("num_classes");
  const auto classes = static_cast<std::int64_t>(dataset.class_names.size());
  if (outputs == nullptr || outputs->as_int() == classes) return dataset;
  fail_at(ErrorCode::mismatch, {}, "name the classes with --classes",
          "the model tells {} classes apart (got data with {})", outputs->as_int(), classes);
}

std::string name_of(const std::vector<std::string>& names, std::size_t label) {
  return label < names.size() ? names[label] : std::to_string(label);
}

// The class that images of `label` are most often taken for by mistake.
std::string mistaken_for(const Evaluation& found,
                         const std::vector<std::string>& names,
                         std::size_t label) {
  std::vector<std::int64_t> wrong = found.confusion[label];
  wrong[label] = 0;
  const auto most = std::ranges::max_element(wrong);
  if (*most == 0) return "";
  return fmt::format("{} ({})", name_of(names, static_cast<std::size_t>(most - wrong.begin())),
                     *most);
}

std::string class_table(const Evaluation& found, const std::vector<std::string>& names) {
  Table table({{"class"},
               {"images", Table::Align::right},
               {"accuracy", Table::Align::right},
               {"most often taken for"}});
  for (std::size_t label = 0; label < found.confusion.size(); ++label) {
    if (found.images_of(label) == 0) continue;
    table.add_row({name_of(names, label), std::to_string(found.images_of(label)),
                   fmt::format("{:.4f}", found.accuracy_of(label)),
                   mistaken_for(found, names, label)});
  }
  return table.text(2);
}

std::string confusion_table(const Evaluation& found, const std::vector<std::string>& names) {
  std::vector<Table::Column> columns{{"class \\ taken for"}};
  for (std::size_t label = 0; label < found.confusion.size(); ++label) {
    columns.push_back({name_of(names, label), Table::Align::right});
  }
  Table table(std::move(columns));
  for (std::size_t label = 0; label < found.confusion.size(); ++label) {
    std::vector<std::string> cells{name_of(names, label)};
    for (const std::int64_t count : found.confusion[label]) cells.push_back(std::to_string(count));
    table.add_row(std::move(cells));
  }
  return table.text(2);
}

Json json_of(const std::filesystem::path& path, const Measured& measured, const Evaluation& found) {
  Json per_class = Json::array();
  for (std::size_t label = 0; label < found.confusion.size(); ++label) {
    Json accuracy = nullptr;
    if (found.images_of(label) > 0) accuracy = found.accuracy_of(label);
    per_class.push_back({{"class", name_of(measured.dataset.class_names, label)},
                         {"images", found.images_of(label)},
                         {"acc", accuracy}});
  }
  return {{"path", path.string()},
          {"split", measured.split},
          {"images", measured.dataset.size()},
          {"classes", measured.dataset.class_names},
          {"loss", found.loss},
          {"acc", found.accuracy},
          {"per_class", per_class},
          {"confusion", found.confusion}};
}

void use_average(const LoadedModel& loaded) {
  const Value* average = loaded.value.find("ema_state_dict");
  if (average == nullptr || average->is_none()) {
    fail_at(ErrorCode::not_found, {.path = loaded.path.string()}, "train with --ema",
            "the checkpoint has no average of the weights");
  }
  load_state_dict(loaded.model.module(), *average);
}

ExitStatus run_eval(const EvalArguments& arguments) {
  at::set_num_threads(usable_processors());
  const LoadedModel loaded = load_model_of(arguments.model, arguments.architecture);
  if (arguments.ema) use_average(loaded);
  Measured measured = find_data(arguments, loaded.value);
  measured.dataset =
      for_classes_of(loaded.model, without_broken(measured.dataset, arguments.images));
  BatchSource batches(measured.dataset, {.batch_size = arguments.batch_size,
                                         .preprocessing = choose_preprocessing(
                                             arguments.images, loaded.model, measured.dataset),
                                         .workers = static_cast<int>(arguments.images.workers)});
  const Evaluation found = evaluate_classes(loaded.model, batches);
  if (arguments.json) {
    write_output(json_of(loaded.path, measured, found).dump(2) + "\n");
    return ExitStatus::done;
  }
  const std::vector<std::string>& names = measured.dataset.class_names;
  write_output(fmt::format("{}: loss {:.4f}, accuracy {:.4f} on {} {} images of {} classes\n",
                           loaded.path.string(), found.loss, found.accuracy,
                           measured.dataset.size(), measured.split, names.size()));
  write_output(arguments.confusion ? confusion_table(found, names) : class_table(found, names));
  return ExitStatus::done;
}

}  // namespace eval_detail

void add_eval_command(Program& program) {
  const auto arguments = std::make_shared<eval_detail::EvalArguments>();
  CLI::App& command = program.add_command(
      {.name = "eval",
       .summary = "Measure a checkpoint on a test set",
       .examples = "torchkeep eval runs/first\n"
                   "torchkeep eval runs/first --data photos/val --confusion\n"
                   "torchkeep eval resnet20.th --arch resnet20 --data cifar10:data --json"},
      [arguments] { return eval_detail::run_eval(*arguments); });
  command
      .add_option("CHECKPOINT", arguments->model,
                  "Checkpoint or whole model, or the directory of a run (its best checkpoint)")
      ->required();
  command.add_option("--arch", arguments->architecture,
                     "The architecture of a file that holds parameters only, such as vgg16");
  command.add_option("--data", arguments->data,
                     std::string(kDataHelp) + "; as in training if left out");
  command.add_option("--split", arguments->split, "Which images")
      ->check(CLI::IsMember({"test", "train"}))
      ->capture_default_str();
  command.add_option("--classes", arguments->classes, "Such as 0-4; as in training if left out")
      ->check(classes_validator());
  add_image_options(command, arguments->images);
  command.add_flag("--ema", arguments->ema, "Measure the average of the weights instead");
  command.add_option("--batch-size", arguments->batch_size, "Images computed at once")
      ->check(positive_number())
      ->capture_default_str();
  command.add_flag("--confusion", arguments->confusion,
                   "Print how many images of each class are taken for each");
  command.add_flag("--json", arguments->json, "Print one JSON document");
}

}  // namespace torchkeep::cli
