// What hub_test.py asks of the weights from the network.
#include <iostream>

#include <torchkeep/hub.h>

#include <nlohmann/json.hpp>

#include "interop/torch_program.h"

namespace torchkeep::interop {

namespace {

// The table of published weights as JSON.
void published(const Arguments&) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const PublishedWeights& row : published_weights()) {
    const Preprocessing& preprocessing = row.preprocessing;
    json.push_back({{"architecture", row.architecture},
                    {"name", row.name},
                    {"file", row.file},
                    {"num_parameters", row.num_parameters},
                    {"top1", row.top1},  // null: not measured
                    {"top5", row.top5},
                    {"resize", preprocessing.resize},
                    {"crop", preprocessing.crop},
                    {"bicubic", preprocessing.interpolation == Interpolation::bicubic},
                    {"mean", preprocessing.normalisation.mean},
                    {"std", preprocessing.normalisation.std},
                    {"is_default", row.is_default}});
  }
  std::cout << json << std::endl;
}

// URL TARGET SHA256_PREFIX: a download, with its progress as lines.
void fetch(const Arguments& arguments) {
  DownloadOptions options = {.network = DownloadOptions::Network::on,
                             .stall_timeout = std::chrono::seconds(1)};
  options.progress = [](std::uint64_t done, std::uint64_t total) {
    std::cout << done << ' ' << total << '\n';
  };
  fetch_file(arguments.at(0), arguments.at(1), arguments.at(2), options);
}

}  // namespace

Commands hub_commands() { return {{"published", published}, {"fetch", fetch}}; }

}  // namespace torchkeep::interop
