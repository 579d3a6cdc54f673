#include "cli/training_display.h"

#include <string>

#include <unistd.h>

#include "base/fail.h"
#include "cli/output.h"

namespace torchkeep::cli {
namespace {

constexpr int kBarWidth = 30;
constexpr const char* kClearLine = "\r\x1b[K";

// Epochs count from 0, in file names as well.
std::string epoch_title(int epoch, int epochs) {
  const std::size_t width = std::to_string(epochs).size();
  return fmt::format("epoch {:>{}} ({:>{}}/{})", epoch, width, epoch + 1, width, epochs);
}

}  // namespace

TrainingDisplay::TrainingDisplay(int epochs)
    : epochs_(epochs), draws_bar_(isatty(STDOUT_FILENO) == 1) {}

void TrainingDisplay::on_cut(const FrozenBackbone::Cut& cut) {
  write_output(to_string(cut) + "\n");
}

void TrainingDisplay::on_batch(int epoch, std::int64_t batch, std::int64_t batches, double loss) {
  const int percent = static_cast<int>(100 * (batch + 1) / batches);
  if (!draws_bar_ || percent == drawn_percent_) return;
  drawn_percent_ = percent;
  const std::string bar(static_cast<std::size_t>(percent * kBarWidth / 100), '#');
  write_output(fmt::format("{}{} [{:<{}}] {:>3}%  loss {:.4f}", kClearLine,
                           epoch_title(epoch, epochs_), bar, kBarWidth, percent, loss));
}

void TrainingDisplay::on_epoch(int epoch, const Metrics& metrics) {
  std::string line = draws_bar_ ? kClearLine : "";
  line += epoch_title(epoch, epochs_);
  for (const char* key : {"train_loss", "train_acc", "val_loss", "val_acc"}) {
    const auto found = metrics.find(key);
    if (found != metrics.end()) line += fmt::format("  {} {:.4f}", key, found->second);
  }
  write_output(line + "\n");
}

void TrainingDisplay::on_checkpoint(const CheckpointInfo& checkpoint) {
  write_output(fmt::format("  saved {}\n", checkpoint.path.filename().string()));
}

void TrainingDisplay::on_stop(const StopDecision& decision) {
  write_output(fmt::format("stopped early ({}): {}\n", name(decision.reason), decision.message));
}

void TrainingDisplay::finish(const FitResult& result) {
  if (!result.best) return;
  write_output(fmt::format("best checkpoint: {} (epoch {})\n", result.best->path.string(),
                           result.best->epoch));
}

}  // namespace torchkeep::cli
