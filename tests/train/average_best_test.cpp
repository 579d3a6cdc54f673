#include <cmath>
#include <vector>

#include <torchkeep/average_best.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AverageBestTest : public ::testing::Test {
 protected:
  // Of epochs 0 to 4 the best by loss are 3, 1 and 2; the weight of each is its epoch.
  void SetUp() override {
    CheckpointManager manager(
        run_, {.filename = "{epoch}", .monitor = "loss", .save_top_k = std::nullopt});
    int epoch = 0;
    for (const double loss : {std::nan(""), 0.2, 0.3, 0.1, 0.4}) {
      manager.save(checkpoint_of(epoch), {{"loss", loss}, {"acc", 0.1 * epoch}});
      ++epoch;
    }
    manager.save_intermediate(checkpoint_of(9));
  }

  static Value checkpoint_of(int epoch) {
    const Tensor weight = Tensor::of<float>({static_cast<float>(epoch)}, {1});
    return dict({{"epoch", epoch}, {"model_state_dict", dict({{"weight", weight}})}});
  }

  std::vector<int> best(const BestCheckpoints& wanted) const {
    std::vector<int> epochs;
    for (const CheckpointInfo& info : best_checkpoints(run_, wanted)) epochs.push_back(info.epoch);
    return epochs;
  }

  testing::TemporaryDirectory directory_;
  std::filesystem::path run_ = directory_ / "run";
};

TEST_F(AverageBestTest, ChoosesTheBest) {
  EXPECT_THAT(best({.count = 2}), ElementsAre(3, 1));
  EXPECT_THAT(best({.count = 2, .monitor = "acc", .mode = Mode::max}), ElementsAre(4, 3));
}

TEST_F(AverageBestTest, AveragesThemAndTakesTheRestOfTheBest) {
  const Average mean = average_best(run_, {.count = 3});
  EXPECT_EQ(mean.value["model_state_dict"]["weight"].as_tensor().item_as_double(0), 2.0);
  EXPECT_EQ(mean.value["epoch"].as_int(), 3);
}

TEST_F(AverageBestTest, TooFewAreAnErrorAndNanCountsForNone) {
  EXPECT_ERROR(best({.count = 5}), ErrorCode::not_found,
               AllOf(HasSubstr("only 4 checkpoints"), HasSubstr("expected 5")));
  EXPECT_ERROR(best({.count = 0}), ErrorCode::invalid_argument, HasSubstr("at least 1"));
  EXPECT_ERROR(best({.monitor = "f1"}), ErrorCode::not_found, HasSubstr("\"f1\""));
}

}  // namespace
}  // namespace torchkeep
