#include "torture/saving_history.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace torchkeep::torture {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kElements = 6000;
constexpr int kTensors = 8;  // each is written by itself

bool is_intermediate(std::int64_t step) { return step % 3 == 0; }

// Falls and rises, so that some saves are among the best and others are not.
double loss_of(std::int64_t step) {
  constexpr std::uint64_t kMultiplier = 6364136223846793005U;
  return static_cast<double>((static_cast<std::uint64_t>(step) * kMultiplier) >> 40);
}

Value checkpoint_of(std::int64_t step) {
  const std::vector<float> elements(kElements, static_cast<float>(step));
  Dict weights;
  for (int i = 0; i < kTensors; ++i) {
    weights.set(std::to_string(i), Tensor::of<float>(elements, {kElements}));
  }
  return dict({{"epoch", step}, {"global_step", step}, {"weights", std::move(weights)}});
}

double best_loss_until(std::int64_t acknowledged) {
  double best = std::numeric_limits<double>::infinity();
  for (std::int64_t step = 1; step <= acknowledged; ++step) {
    if (!is_intermediate(step)) best = std::min(best, loss_of(step));
  }
  return best;
}

std::string wrong_content(const FoundCheckpoint& found) {
  const auto expected = static_cast<double>(found.info.step);
  for (const auto& [key, weight] : found.value["weights"].as_dict()) {
    for (std::int64_t i = 0; i < kElements; ++i) {
      if (weight.as_tensor().item_as_double(i) != expected) return "other content";
    }
  }
  return "";
}

std::string wrong_index(const fs::path& directory, std::int64_t acknowledged) {
  const fs::path path = directory / "checkpoints.json";
  if (!fs::exists(path)) return "";
  const auto json = nlohmann::json::parse(std::ifstream(path), nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return "the index is not whole";
  std::int64_t newest = 0;
  for (const auto& entry : json["checkpoints"]) {
    newest = std::max(newest, entry["step"].get<std::int64_t>());
    const std::string file = entry["file"];
    if (!fs::exists(directory / file))
      return fmt::format("the index names {}, which is gone", file);
  }
  return newest < acknowledged ? "the index lacks what was acknowledged" : "";
}

}  // namespace

CheckpointManagerOptions history_options() {
  return {.filename = "{epoch}", .monitor = "loss", .save_top_k = 2};
}

void save_step(CheckpointManager& manager, std::int64_t step) {
  if (is_intermediate(step)) {
    manager.save_intermediate(checkpoint_of(step));
  } else {
    manager.save(checkpoint_of(step), {{"loss", loss_of(step)}});
  }
}

std::string what_is_wrong(const fs::path& directory, std::int64_t acknowledged) {
  try {
    if (std::string wrong = wrong_index(directory, acknowledged); !wrong.empty()) return wrong;
    if (list_checkpoints(directory).empty()) {
      return acknowledged == 0 ? "" : "there is no checkpoint any more";
    }
    const FoundCheckpoint last = load_last_checkpoint(directory);
    if (!last.skipped.empty()) return last.skipped.front().what();
    if (last.info.step < acknowledged) {
      return fmt::format("step {} was acknowledged, the last is {}", acknowledged, last.info.step);
    }
    if (std::string wrong = wrong_content(last); !wrong.empty()) return wrong;
    const double wanted = best_loss_until(acknowledged);
    const auto best = best_checkpoint(directory);
    const double found =
        best ? metric(best->metrics, "loss") : std::numeric_limits<double>::infinity();
    if (found > wanted) return fmt::format("the best has loss {} (expected {})", found, wanted);
    return "";
  } catch (const std::exception& error) {
    return error.what();
  }
}

int trials(int in_short, int in_full) {
  const char* wish = std::getenv("TORCHKEEP_TORTURE");
  return wish != nullptr && std::string_view(wish) == "full" ? in_full : in_short;
}

}  // namespace torchkeep::torture
