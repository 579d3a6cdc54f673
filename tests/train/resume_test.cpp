// Trainings that are ended at any step, in any way, and gone on with: to the bit.
#include <cmath>
#include <fstream>
#include <stdexcept>

#include <torchkeep/load.h>
#include <torchkeep/module.h>
#include <torchkeep/optimizer.h>
#include <torchkeep/random_state.h>
#include <torchkeep/trainer.h>

#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <torch/nn/module.h>
#include <torch/optim/optimizer.h>

#include "support/expect_error.h"
#include "support/temporary_directory.h"
#include "support/test_file.h"
#include "train/training_fixture.h"

namespace torchkeep {
namespace resume_test {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::make_optimizer;
using testing::OptimizerKind;
using testing::small_data;
using testing::small_net;

constexpr int kEpochs = 3;
constexpr std::int64_t kSteps = 15;  // 48 images in batches of 10

struct Killed {};
class KillAfterStep : public TrainingObserver {
 public:
  explicit KillAfterStep(std::int64_t step) : left_(step) {}
  void on_batch(int, std::int64_t, std::int64_t, double) override {
    if (left_-- == 0) throw Killed();
  }

 private:
  std::int64_t left_;
};

TrainerOptions options_for(const fs::path& directory) {
  return {.epochs = kEpochs,
          .directory = directory,
          .checkpoints = {.filename = "{epoch}_{val_loss:.4f}", .monitor = "val_loss"},
          .early_stopping = EarlyStoppingOptions{.patience = 100},
          .at_the_end = TrainerOptions::AtTheEnd::keep_last};
}

// A training as a process of its own would build it.
struct Training {
  explicit Training(const TrainerOptions& options, Model model_ = small_net())
      : model(std::move(model_)), trainer(model, *optimizer, options) {}

  FitResult fit(TrainingObserver* observer = nullptr) {
    return trainer.fit(data.training, &data.validation, observer);
  }
  // All that the next number depends on, and the log of the run.
  Value state() {
    return dict(
        {{"model", state_dict(model.module())},
         {"ema", trainer.ema() ? Value(trainer.ema()->state_dict()) : Value()},
         {"optimizer", state_dict(*optimizer, model.module())},
         {"random_state", random_state()},
         {"sampler", data.training.state_dict()},
         {"log", testing::file_content(trainer.checkpoints().directory() / "metrics.jsonl")}});
  }

  Model model;
  std::unique_ptr<torch::optim::Optimizer> optimizer = make_optimizer(OptimizerKind::adam, model);
  testing::SmallData data = small_data();
  Trainer trainer;
};

Value train_straight(TrainerOptions options) {
  const testing::TemporaryDirectory directory;
  options.directory = directory.path();
  Training training(options);
  at::manual_seed(99);
  training.fit();
  return training.state();
}

// Goes on from the newest checkpoint in the directory of the options.
Value resume_to_the_end(const TrainerOptions& options, std::int64_t expected_step) {
  at::manual_seed(12345);  // another process starts elsewhere
  const FoundCheckpoint found = load_last_checkpoint(options.directory);
  EXPECT_EQ(found.info.step, expected_step);
  Training training(options, model_from_checkpoint(found.value));
  EXPECT_THAT(training.trainer.resume(found.value, found.info.path, training.data.training),
              IsEmpty());
  EXPECT_EQ(training.fit().epochs, kEpochs);
  return training.state();
}

void expect_exact_from_any_step(TrainerOptions options) {
  const Value straight = train_straight(options);
  options.checkpoints.every_n_steps = 1;
  for (std::int64_t step = 1; step < kSteps; ++step) {
    SCOPED_TRACE(step);
    const testing::TemporaryDirectory directory;
    options.directory = directory.path();
    {
      Training training(options);
      at::manual_seed(99);
      KillAfterStep killer(step);
      EXPECT_THROW(training.fit(&killer), Killed);
    }
    EXPECT_TRUE(equal(resume_to_the_end(options, step), straight));
  }
}

TEST(Resume, IsExactFromAnyStep) { expect_exact_from_any_step(options_for({})); }

TEST(Resume, IsExactWithASchedule) {
  auto options = options_for({});
  options.schedule = OneCycleLR{.max_lr = 0.05, .total_steps = kSteps};
  options.schedule_each = TrainerOptions::ScheduleEach::step;
  expect_exact_from_any_step(options);
  options.schedule = ReduceLROnPlateau{.factor = 0.5, .patience = 0, .threshold = 0.2};
  options.schedule_each = TrainerOptions::ScheduleEach::epoch;
  expect_exact_from_any_step(options);
}

TEST(Resume, IsExactWithAnAverageAndSavesInTheBackground) {
  auto options = options_for({});
  options.ema_decay = 0.9;
  options.checkpoints.saving = CheckpointManagerOptions::Saving::in_background;
  expect_exact_from_any_step(options);
}

TEST(Resume, RefusesToForgetOrInventAnAverage) {
  const testing::TemporaryDirectory directory;
  auto options = options_for(directory.path());
  options.ema_decay = 0.9;
  Training(options).fit();
  const FoundCheckpoint averaged = load_last_checkpoint(directory.path());
  options.ema_decay.reset();
  Training without(options);
  EXPECT_ERROR(without.trainer.resume(averaged.value, averaged.info.path, without.data.training),
               ErrorCode::mismatch, HasSubstr("ema_decay"));
  averaged.value.as_dict().set("ema_state_dict", Value());
  options.ema_decay = 0.9;
  Training with(options);
  EXPECT_ERROR(with.trainer.resume(averaged.value, averaged.info.path, with.data.training),
               ErrorCode::not_found, HasSubstr("moving average"));
  EXPECT_THAT(with.trainer.resume(averaged.value, averaged.info.path, with.data.training,
                                  {.incomplete = RestoreOptions::Incomplete::accept}),
              ElementsAre(HasSubstr("the moving average")));
  EXPECT_TRUE(equal(Value(with.trainer.ema()->state_dict()), Value(state_dict(*with.model))));
}

TEST(Resume, AnInterruptedTrainingSavesAndGoesOn) {
  auto options = options_for({});
  const Value straight = train_straight(options);
  const testing::TemporaryDirectory directory;
  options.directory = directory.path();
  int asked = 0;
  options.interrupted = [&asked] { return ++asked == 7; };
  {
    Training training(options);
    at::manual_seed(99);
    const FitResult result = training.fit();
    EXPECT_TRUE(result.interrupted);
    EXPECT_EQ(result.epochs, 1);
  }
  EXPECT_TRUE(equal(resume_to_the_end(options, 7), straight));
}

TEST(Resume, AfterAnExceptionGoesOnFromTheLastWholeStep) {
  auto options = options_for({});
  const Value straight = train_straight(options);
  for (const int failing_call : {1, 4, 6, 15}) {
    SCOPED_TRACE(failing_call);
    const testing::TemporaryDirectory directory;
    options.directory = directory.path();
    options.save_on_exception = true;
    int calls = 0;
    int evaluations = 0;
    options.loss = [&](const at::Tensor& output, const at::Tensor& labels) {
      if (output.requires_grad() && ++calls == failing_call) throw std::runtime_error("no memory");
      evaluations += output.requires_grad() ? 0 : 1;
      return at::cross_entropy_loss(output, labels);
    };
    {
      Training training(options);
      at::manual_seed(99);
      EXPECT_THROW(training.fit(), std::runtime_error);
    }
    options.loss = {};
    EXPECT_TRUE(equal(resume_to_the_end(options, failing_call - 1), straight));
  }
}

TEST(Resume, ALossThatIsNotFiniteLeavesNoIntermediateCheckpoint) {
  const testing::TemporaryDirectory directory;
  auto options = options_for(directory.path());
  options.checkpoints.every_n_steps = 1;
  int calls = 0;
  options.loss = [&calls](const at::Tensor& output, const at::Tensor& labels) {
    const at::Tensor loss = at::cross_entropy_loss(output, labels);
    return output.requires_grad() && ++calls > 7 ? loss * NAN : loss;
  };
  Training(options).fit();
  EXPECT_EQ(load_last_checkpoint(directory.path()).info.step, 7);
}

TEST(Resume, RefusesWhatItCannotRestoreUnlessLessIsAccepted) {
  const testing::TemporaryDirectory directory;
  const auto options = options_for(directory.path());
  Training(options).fit();
  const FoundCheckpoint found = load_last_checkpoint(directory.path());
  for (const char* key : {"optimizer_state_dict", "rng_state", "sampler_state", "callbacks"}) {
    SCOPED_TRACE(key);
    Dict incomplete = found.value.as_dict();
    incomplete.erase(key);
    Training training(options);
    EXPECT_ERROR(training.trainer.resume(incomplete, found.info.path, training.data.training),
                 ErrorCode::not_found, HasSubstr(key));
    EXPECT_THAT(training.trainer.resume(incomplete, found.info.path, training.data.training,
                                        {.incomplete = RestoreOptions::Incomplete::accept}),
                ElementsAre(HasSubstr(key)));
    EXPECT_TRUE(testing::same_parameters(training.model, model_from_checkpoint(found.value)));
  }
}

TEST(Resume, ASchedulerComesWithItsState) {
  const testing::TemporaryDirectory directory;
  auto options = options_for(directory.path());
  options.schedule = StepLR{.step_size = 1};
  Training(options).fit();
  const FoundCheckpoint found = load_last_checkpoint(directory.path());
  Training without(options_for(directory.path()));
  EXPECT_ERROR(without.trainer.resume(found.value, found.info.path, without.data.training),
               ErrorCode::mismatch, HasSubstr("the training has none"));
  Dict unscheduled = found.value.as_dict();
  unscheduled.set("scheduler_state_dict", Value());
  Training with(options);
  EXPECT_ERROR(with.trainer.resume(unscheduled, found.info.path, with.data.training),
               ErrorCode::not_found, HasSubstr("no state of a scheduler"));
  Dict other_rate = found.value.as_dict();
  const Value optimizer_state = other_rate.find("optimizer_state_dict")->as_dict();
  Dict group = optimizer_state["param_groups"][0].as_dict();
  group.set("lr", 0.125);
  other_rate.set("optimizer_state_dict", dict({{"state", optimizer_state["state"]},
                                               {"param_groups", list({std::move(group)})}}));
  EXPECT_ERROR(with.trainer.resume(other_rate, found.info.path, with.data.training),
               ErrorCode::mismatch, AllOf(HasSubstr("0.125"), HasSubstr("StepLR set last")));
}

TEST(Resume, GoesOnAfterAnEarlyStopIfAsked) {
  const testing::TemporaryDirectory directory;
  auto options = options_for(directory.path());
  options.early_stopping = EarlyStoppingOptions{.patience = 1, .min_delta = 10.0};
  EXPECT_EQ(Training(options).fit().epochs, 2);
  const FoundCheckpoint found = load_last_checkpoint(directory.path());
  Training training(options, model_from_checkpoint(found.value));
  training.trainer.resume(found.value, found.info.path, training.data.training,
                          {.after_stop = ResumeOptions::AfterStop::go_on});
  EXPECT_EQ(training.fit().epochs, 3);
}

TEST(Resume, ADirectoryMayBeMoved) {
  auto options = options_for({});
  const Value straight = train_straight(options);
  const testing::TemporaryDirectory directory;
  options.directory = directory / "old";
  options.checkpoints.every_n_steps = 1;
  {
    Training training(options);
    at::manual_seed(99);
    KillAfterStep killer(8);
    EXPECT_THROW(training.fit(&killer), Killed);
  }
  fs::rename(directory / "old", directory / "new");
  options.directory = directory / "new";
  EXPECT_TRUE(equal(resume_to_the_end(options, 8), straight));
}

}  // namespace resume_test
}  // namespace torchkeep
