// `metrics.jsonl`: one JSON object a line for each epoch of a run.
#pragma once

#include <cstdint>
#include <filesystem>

#include <torchkeep/metrics.h>

namespace torchkeep {

// Lines such as {"epoch":0,"step":40,"train_loss":0.9,"val_loss":0.8}. Not synchronised.
class MetricsLog {
 public:
  // Keeps the lines of epochs before `next_epoch` and drops the others, and a line that was cut
  // off. Throws io.
  MetricsLog(std::filesystem::path path, int next_epoch);

  // Adds a line and syncs it, so that it is there if the checkpoint that follows it is. Throws io.
  void append(int epoch, std::int64_t step, const Metrics& metrics);

 private:
  std::filesystem::path path_;
};

}  // namespace torchkeep
