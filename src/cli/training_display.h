// What a training shows: a progress bar on a terminal, a line for each epoch everywhere.
#pragma once

#include <torchkeep/trainer.h>

namespace torchkeep::cli {

class TrainingDisplay : public TrainingObserver {
 public:
  // Draws the bar only if standard output is a terminal.
  explicit TrainingDisplay(int epochs);

  void on_cut(const FrozenBackbone::Cut& cut) override;
  void on_batch(int epoch, std::int64_t batch, std::int64_t batches, double loss) override;
  void on_epoch(int epoch, const Metrics& metrics) override;
  void on_checkpoint(const CheckpointInfo& checkpoint) override;
  void on_stop(const StopDecision& decision) override;
  void finish(const FitResult& result);

 private:
  int epochs_;
  bool draws_bar_;
  int drawn_percent_ = -1;
};

}  // namespace torchkeep::cli
