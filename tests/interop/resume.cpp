// What resume_test.py asks of the trainings.
#include <memory>

#include <torchkeep/checkpoint_manager.h>
#include <torchkeep/convert.h>
#include <torchkeep/load.h>
#include <torchkeep/save.h>
#include <torchkeep/trainer.h>

#include <torch/nn/module.h>
#include <torch/optim/sgd.h>

#include "interop/torch_program.h"

namespace torchkeep::interop {
namespace resume_program {

// Ends the training after so many steps.
class StopAfter : public TrainingObserver {
 public:
  explicit StopAfter(std::int64_t steps) : left_(steps) {}
  void on_batch(int, std::int64_t, std::int64_t, double) override { --left_; }
  bool reached() const { return left_ == 0; }

 private:
  std::int64_t left_;
};

// CHECKPOINT DATA DIRECTORY STEPS OUT: goes on with the training for so many steps, in batches of
// 10 of the images and labels in DATA, and copies the last checkpoint to OUT.
void resume_training(const Arguments& arguments) {
  const Value checkpoint = load(arguments.at(0));
  const Value data = load(arguments.at(1));
  BatchSource batches({.images = to_torch(data["images"].as_tensor()),
                       .labels = to_torch(data["labels"].as_tensor()),
                       .class_names = {"a", "b", "c"}},
                      {.batch_size = 10, .order = BatchOptions::Order::shuffled, .seed = 3});
  const Model model = model_from_checkpoint(checkpoint);
  torch::optim::SGD optimizer(model->parameters(), torch::optim::SGDOptions(0.05).momentum(0.9));
  StopAfter stop(std::stoll(arguments.at(3)));
  TrainerOptions options{.epochs = 100,
                         .directory = arguments.at(2),
                         .checkpoints = {.monitor = "train_loss"},
                         .early_stopping = std::nullopt,
                         .interrupted = [&stop] { return stop.reached(); }};
  if (!checkpoint["scheduler_state_dict"].is_none()) {
    options.schedule = ExponentialLR{.gamma = 0.95};
    options.schedule_each = TrainerOptions::ScheduleEach::step;
  }
  Trainer trainer(model, optimizer, options);
  trainer.resume(checkpoint, arguments.at(0), batches);
  trainer.fit(batches, nullptr, &stop);
  std::filesystem::copy_file(trainer.checkpoints().last()->path, arguments.at(4));
}

}  // namespace resume_program

Commands resume_commands() { return {{"resume_training", resume_program::resume_training}}; }

}  // namespace torchkeep::interop
