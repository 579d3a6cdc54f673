#include <memory>

#include <torchkeep/hub.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/progress_bar.h"

namespace torchkeep::cli {
namespace download_detail {

struct DownloadArguments {
  std::string model;
  std::string weights = "DEFAULT";
  bool offline = false;
  bool json = false;
};

ExitStatus run_download(const DownloadArguments& arguments) {
  const PublishedWeights& weights = published_weights(arguments.model, arguments.weights);
  ProgressBar bar(std::string(weights.file));
  DownloadOptions options = {.progress = bar.function()};
  if (arguments.offline) options.network = DownloadOptions::Network::off;
  const std::string path = fetch_weights(weights, options).string();
  const nlohmann::ordered_json json = {
      {"model", weights.architecture}, {"weights", weights.name}, {"path", path}};
  write_output(arguments.json ? json.dump(2) + "\n" : path + "\n");
  return ExitStatus::done;
}

}  // namespace download_detail

void add_download_command(Program& program) {
  const auto arguments = std::make_shared<download_detail::DownloadArguments>();
  CLI::App& command =
      program.add_command({.name = "download",
                           .summary = "Fetch and verify published weights; print where they are",
                           .examples = "torchkeep download vgg16\n"
                                       "torchkeep download resnet50 IMAGENET1K_V1\n"
                                       "torchkeep download vgg16 --offline"},
                          [arguments] { return download_detail::run_download(*arguments); });
  command.add_option("MODEL", arguments->model, "Name of the model")->required();
  command.add_option("WEIGHTS", arguments->weights, "Name of the weights")->capture_default_str();
  command.add_flag("--offline", arguments->offline,
                   "Only look into the cache, as with TORCHKEEP_OFFLINE=1");
  command.add_flag("--json", arguments->json, "Print one JSON document");
}

}  // namespace torchkeep::cli
