// Saves that another thread finishes.
#include <filesystem>
#include <optional>
#include <vector>

#include <torchkeep/checkpoint_manager.h>
#include <torchkeep/load.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/failing_file_operations.h"
#include "support/gated_file_operations.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using Saving = CheckpointManagerOptions::Saving;

constexpr std::size_t kElements = 400'000;

class BackgroundSave : public ::testing::Test {
 protected:
  static CheckpointManagerOptions options(int in_flight = 1) {
    return {.filename = "{epoch}",
            .monitor = "loss",
            .saving = Saving::in_background,
            .max_saves_in_flight = in_flight};
  }

  // The weights of a training, which go on changing.
  Value checkpoint(int epoch) const {
    return dict({{"epoch", epoch}, {"weight", weight_}, {"notes", notes_}});
  }
  void change(float to) {
    const auto bytes = weight_.storage().mutable_bytes();
    std::fill_n(reinterpret_cast<float*>(bytes.data()), kElements, to);
  }

  static void expect_weight(const fs::path& path, float expected) {
    const Tensor weight = load(path)["weight"].as_tensor();
    for (std::size_t i = 0; i < kElements; ++i) {
      ASSERT_EQ(weight.item_as_double(static_cast<std::int64_t>(i)), expected) << i;
    }
  }

  static std::vector<int> epochs(const std::vector<CheckpointInfo>& checkpoints) {
    std::vector<int> result;
    for (const CheckpointInfo& info : checkpoints) result.push_back(info.epoch);
    return result;
  }

  testing::TemporaryDirectory directory_;
  fs::path run_ = directory_ / "run";
  Tensor weight_ = Tensor::of<float>(std::vector<float>(kElements, 1.0F), {kElements});
  Value notes_ = dict({{"lr", 0.1}});
};

TEST_F(BackgroundSave, HoldsTheStateOfTheCall) {
  testing::GatedFileOperations gate;
  CheckpointManager manager(run_, options());
  const auto path = manager.save(checkpoint(0), {{"loss", 0.5}});
  EXPECT_EQ(path, run_ / "0.pt");
  EXPECT_FALSE(fs::exists(*path));
  EXPECT_THAT(manager.list(), IsEmpty());
  change(2.0F);
  notes_.as_dict().set("lr", 0.2);
  gate.open_gate();
  manager.wait();
  expect_weight(*path, 1.0F);
  EXPECT_EQ(load(*path)["notes"]["lr"].as_double(), 0.1);
  EXPECT_THAT(epochs(manager.take_written()), ElementsAre(0));
  EXPECT_THAT(manager.take_written(), IsEmpty());
  EXPECT_EQ(manager.best()->epoch, 0);
}

TEST_F(BackgroundSave, EndsAsABlockingOneWould) {
  const fs::path other = directory_ / "blocking";
  {
    CheckpointManager background(run_, options(3));
    CheckpointManagerOptions blocking = options();
    blocking.saving = Saving::blocking;
    CheckpointManager foreground(other, blocking);
    int epoch = 0;
    for (const double loss : {0.5, 0.3, 0.4, 0.3, 0.9, 0.1, 0.2}) {
      change(static_cast<float>(epoch));
      for (CheckpointManager* manager : {&background, &foreground}) {
        if (epoch % 3 == 0) manager->save_intermediate(checkpoint(epoch));
        manager->save(checkpoint(epoch), {{"loss", loss}});
      }
      ++epoch;
    }
  }
  EXPECT_EQ(testing::names_in(run_), testing::names_in(other));
  EXPECT_THAT(epochs(list_checkpoints(run_)), ElementsAre(5, 6));
  EXPECT_EQ(load_last_checkpoint(run_).info.number, load_last_checkpoint(other).info.number);
  expect_weight(run_ / "5.pt", 5.0F);
  expect_weight(run_ / "6.pt", 6.0F);
}

TEST_F(BackgroundSave, EqualNamesInFlightGetVersions) {
  testing::GatedFileOperations gate;
  CheckpointManagerOptions several = options(2);
  several.save_top_k.reset();
  CheckpointManager manager(run_, several);
  EXPECT_EQ(manager.save(checkpoint(7), {{"loss", 0.5}}), run_ / "7.pt");
  EXPECT_EQ(manager.save(checkpoint(7), {{"loss", 0.4}}), run_ / "7-v1.pt");
  gate.open_gate();
  manager.wait();
  EXPECT_THAT(testing::names_in(run_), UnorderedElementsAre("7.pt", "7-v1.pt", "checkpoints.json"));
}

TEST_F(BackgroundSave, AnErrorComesUpAtTheNextCallAndTheManagerGoesOn) {
  CheckpointManager manager(run_, options());
  manager.save(checkpoint(0), {{"loss", 0.5}});
  manager.wait();
  {
    const testing::FailingFileOperations operations(/*failing_call=*/1);
    manager.save(checkpoint(1), {{"loss", 0.4}});
    EXPECT_ERROR(manager.save(checkpoint(2), {{"loss", 0.3}}), ErrorCode::io, HasSubstr("1.pt"));
  }
  EXPECT_THAT(epochs(manager.list()), ElementsAre(0));
  EXPECT_EQ(manager.save(checkpoint(3), {{"loss", 0.3}}), run_ / "3.pt");
  manager.wait();
  EXPECT_THAT(epochs(manager.list()), ElementsAre(3));
}

TEST_F(BackgroundSave, AnErrorOfTheLastSaveComesUpAtTheEnd) {
  CheckpointManager manager(run_, options());
  const testing::FailingFileOperations operations(/*failing_call=*/1);
  manager.save(checkpoint(1), {{"loss", 0.4}});
  EXPECT_ERROR(manager.wait(), ErrorCode::io, HasSubstr("1.pt"));
  EXPECT_NO_THROW(manager.wait());
}

TEST_F(BackgroundSave, TheEndOfTheManagerFinishesTheSave) {
  testing::GatedFileOperations gate;
  {
    CheckpointManager manager(run_, options());
    manager.save(checkpoint(0), {{"loss", 0.5}});
    gate.open_gate();
  }
  expect_weight(run_ / "0.pt", 1.0F);
}

TEST_F(BackgroundSave, AssigningAnotherManagerFinishesTheSave) {
  CheckpointManager manager(run_, options());
  manager.save(checkpoint(0), {{"loss", 0.5}});
  manager = CheckpointManager(directory_ / "other", options());
  expect_weight(run_ / "0.pt", 1.0F);
  EXPECT_THAT(manager.list(), IsEmpty());
}

TEST_F(BackgroundSave, NoneInFlightIsRefused) {
  EXPECT_ERROR(CheckpointManager(run_, options(0)), ErrorCode::invalid_argument,
               HasSubstr("max_saves_in_flight"));
}

}  // namespace
}  // namespace torchkeep
