#include <algorithm>
#include <cmath>
#include <memory>

#include <torchkeep/hub.h>
#include <torchkeep/model.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/table.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace torchkeep::cli {
namespace models_detail {

struct ModelsArguments {
  std::string filter;
  bool json = false;
};

nlohmann::ordered_json weights_json(const PublishedWeights& weights) {
  const Preprocessing& preprocessing = weights.preprocessing;
  const bool bicubic = preprocessing.interpolation == Interpolation::bicubic;
  return {{"name", weights.name},
          {"default", weights.is_default},
          {"file", weights.file},
          {"sha256_prefix", weights.sha256_prefix()},
          {"parameters", weights.num_parameters},
          {"top1", weights.top1},
          {"top5", weights.top5},
          {"resize", preprocessing.resize},
          {"crop", preprocessing.crop},
          {"interpolation", bicubic ? "bicubic" : "bilinear"},
          {"mean", preprocessing.normalisation.mean},
          {"std", preprocessing.normalisation.std}};
}

std::string as_json(const std::vector<std::string>& names) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const std::string& name : names) {
    nlohmann::ordered_json weights = nlohmann::ordered_json::array();
    for (const PublishedWeights& row : published_weights(name)) {
      weights.push_back(weights_json(row));
    }
    list.push_back({{"name", name}, {"weights", std::move(weights)}});
  }
  return list.dump(2) + "\n";
}

std::string as_table(const std::vector<std::string>& names) {
  using Align = Table::Align;
  Table table({{"model"},
               {"weights"},
               {"top-1", Align::right},
               {"parameters", Align::right},
               {"image", Align::right},
               {"file"}});
  for (const std::string& name : names) {
    const auto weights = published_weights(name);
    if (weights.empty()) table.add_row({name, "", "", "", "", ""});
    for (const PublishedWeights& row : weights) {
      table.add_row({name, std::string(row.name) + (row.is_default ? " *" : ""),
                     std::isnan(row.top1) ? "" : fmt::format("{:.2f}", row.top1),
                     grouped(static_cast<std::uint64_t>(row.num_parameters)),
                     std::to_string(row.preprocessing.crop), std::string(row.file)});
    }
  }
  return table.text() + fmt::format("{}; * is DEFAULT\n", counted(names.size(), "model"));
}

ExitStatus run_models(const ModelsArguments& arguments) {
  std::vector<std::string> names = model_names();
  std::erase_if(names, [&](const std::string& name) {
    return name.find(arguments.filter) == std::string::npos;
  });
  write_output(arguments.json ? as_json(names) : as_table(names));
  return names.empty() ? ExitStatus::negative : ExitStatus::done;
}

}  // namespace models_detail

void add_models_command(Program& program) {
  const auto arguments = std::make_shared<models_detail::ModelsArguments>();
  CLI::App& command =
      program.add_command({.name = "models",
                           .summary = "List the models that can be built, and their weights",
                           .examples = "torchkeep models\n"
                                       "torchkeep models resnet\n"
                                       "torchkeep models --json | jq -r '.[].name'"},
                          [arguments] { return models_detail::run_models(*arguments); });
  command.add_option("NAME", arguments->filter, "Only models whose name contains this");
  command.add_flag("--json", arguments->json, "Print one JSON document");
}

}  // namespace torchkeep::cli
