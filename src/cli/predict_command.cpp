#include <memory>

#include <torchkeep/evaluation.h>
#include <torchkeep/hub.h>
#include <torchkeep/image_model.h>

#include <ATen/Parallel.h>
#include <nlohmann/json.hpp>

#include "base/fail.h"
#include "base/parallel.h"
#include "base/table.h"
#include "cli/commands.h"
#include "cli/image_options.h"
#include "cli/number_checks.h"
#include "cli/output.h"
#include "cli/training_builder.h"

namespace torchkeep::cli {
namespace predict_detail {

struct PredictArguments {
  std::filesystem::path model;
  std::string architecture;
  std::vector<std::filesystem::path> images;
  ImageOptions options;
  std::int64_t top_k = 5;
  std::int64_t batch_size = 64;
  bool json = false;
  bool csv = false;
};

// What is told: an image and its likeliest classes.
struct Prediction {
  std::string path;
  std::vector<ClassScore> classes;
};

// Those that the model brings along, or ImageNet's for a model with so many outputs and no others.
std::vector<std::string> names_for(const Model& model) {
  const std::vector<std::string> names = class_names(model);
  if (!names.empty()) return names;
  const Value configuration = model.configuration();
  const Value* outputs = configuration.find("num_classes");
  const auto& imagenet = imagenet_classes();
  const bool fits = outputs && outputs->as_int() == static_cast<std::int64_t>(imagenet.size());
  return fits ? imagenet : names;
}

std::string name_of(const std::vector<std::string>& names, const ClassScore& score) {
  const auto index = static_cast<std::size_t>(score.index);
  return index < names.size() ? names[index] : std::to_string(score.index);
}

std::string as_json(const std::filesystem::path& model,
                    const std::vector<Prediction>& predictions,
                    const std::vector<std::string>& names) {
  nlohmann::ordered_json json = {{"path", model.string()},
                                 {"predictions", nlohmann::ordered_json::array()}};
  for (const Prediction& prediction : predictions) {
    nlohmann::ordered_json classes = nlohmann::ordered_json::array();
    for (const ClassScore& score : prediction.classes) {
      classes.push_back({{"class", name_of(names, score)},
                         {"index", score.index},
                         {"probability", score.probability}});
    }
    json["predictions"].push_back({{"image", prediction.path}, {"classes", classes}});
  }
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

// As RFC 4180 has it.
std::string quoted(const std::string& field) {
  if (field.find_first_of(",\"\r\n") == field.npos) return field;
  std::string text = "\"";
  for (const char character : field) {
    if (character == '"') text += '"';
    text += character;
  }
  return text + '"';
}

std::string as_csv(const std::vector<Prediction>& predictions,
                   const std::vector<std::string>& names) {
  std::string text = "image,rank,class,index,probability\n";
  for (const Prediction& prediction : predictions) {
    for (std::size_t rank = 0; rank < prediction.classes.size(); ++rank) {
      const ClassScore& score = prediction.classes[rank];
      text += fmt::format("{},{},{},{},{:.6g}\n", quoted(prediction.path), rank + 1,
                          quoted(name_of(names, score)), score.index, score.probability);
    }
  }
  return text;
}

std::string as_table(const std::vector<Prediction>& predictions,
                     const std::vector<std::string>& names) {
  Table table({{"image"}, {"class"}, {"probability", Table::Align::right}});
  for (const Prediction& prediction : predictions) {
    std::string path = prediction.path;
    for (const ClassScore& score : prediction.classes) {
      table.add_row({path, name_of(names, score), fmt::format("{:.4f}", score.probability)});
      path.clear();
    }
  }
  return table.text();
}

std::vector<Prediction> predict_all(const PredictArguments& arguments, const Model& model) {
  const Dataset images = without_broken(list_images(arguments.images), arguments.options);
  if (images.size() == 0) fail(ErrorCode::not_found, "there are no images to look at");
  const PredictOptions options{
      .top_k = arguments.top_k,
      .batches = {.batch_size = arguments.batch_size,
                  .preprocessing = choose_preprocessing(arguments.options, model, images),
                  .workers = static_cast<int>(arguments.options.workers)}};
  std::vector<Prediction> predictions;
  for (auto& classes : predict(model, images, options)) {
    predictions.push_back({images.files[predictions.size()].string(), std::move(classes)});
  }
  return predictions;
}

ExitStatus run(const PredictArguments& arguments) {
  at::set_num_threads(usable_processors());
  const LoadedModel loaded = load_model_of(arguments.model, arguments.architecture);
  const std::vector<std::string> names = names_for(loaded.model);
  const std::vector<Prediction> predictions = predict_all(arguments, loaded.model);
  if (arguments.json) {
    write_output(as_json(loaded.path, predictions, names));
  } else {
    write_output(arguments.csv ? as_csv(predictions, names) : as_table(predictions, names));
  }
  return ExitStatus::done;
}

}  // namespace predict_detail

void add_predict_command(Program& program) {
  const auto arguments = std::make_shared<predict_detail::PredictArguments>();
  CLI::App& command = program.add_command(
      {.name = "predict",
       .summary = "Tell what images show",
       .examples = "torchkeep predict runs/first photo.jpg more/photos\n"
                   "torchkeep predict DEFAULT --arch resnet18 photo.jpg --top-k 3\n"
                   "torchkeep predict model.pt photos --csv > predictions.csv"},
      [arguments] { return predict_detail::run(*arguments); });
  command
      .add_option("CHECKPOINT", arguments->model,
                  "Checkpoint or whole model, or the directory of a run (its best checkpoint)")
      ->required();
  command.add_option("IMAGES", arguments->images, "Images, and folders of them")->required();
  command.add_option("--arch", arguments->architecture,
                     "The architecture of a file that holds parameters only, or of published "
                     "weights that are named instead");
  command.add_option("--top-k", arguments->top_k, "How many classes to tell for each image")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  add_image_options(command, arguments->options);
  command.add_option("--batch-size", arguments->batch_size, "Images computed at once")
      ->check(positive_number())
      ->capture_default_str();
  CLI::Option* json = command.add_flag("--json", arguments->json, "Print one JSON document");
  command.add_flag("--csv", arguments->csv, "Print lines of values between commas")->excludes(json);
}

}  // namespace torchkeep::cli
