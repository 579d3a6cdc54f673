#include <torchkeep/lr_finder.h>
#include <torchkeep/random_state.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/nn/module.h>
#include <torch/optim/optimizer.h>

#include "support/expect_error.h"
#include "train/training_fixture.h"

namespace torchkeep {
namespace lr_finder_test {

using ::testing::HasSubstr;
using testing::make_optimizer;
using testing::OptimizerKind;
using testing::same_parameters;
using testing::small_data;
using testing::small_net;

TEST(LrFinder, FindsARateBetweenTooSmallAndTooLarge) {
  const Model model = small_net();
  const auto optimizer = make_optimizer(OptimizerKind::sgd_with_momentum, model);
  auto data = small_data();
  const LrSearch search = find_learning_rate(model, *optimizer, data.training, {.max_lr = 10.0});
  EXPECT_GT(search.suggested, 1e-4);
  EXPECT_LT(search.suggested, search.at_least_loss);
  EXPECT_LT(search.at_least_loss, 10.0);
  EXPECT_GT(search.steps.size(), 20U);
}

TEST(LrFinder, LeavesEverythingButTheOptimizerAsItWas) {
  const Model model = small_net();
  const Model untouched = small_net();
  model.eval();
  const auto optimizer = make_optimizer(OptimizerKind::adam, model);
  auto data = small_data();
  Batch batch;
  data.training.next(batch);
  const Value position = data.training.state_dict();
  const Tensor random_before = random_state();
  find_learning_rate(model, *optimizer, data.training, {.steps = 10});
  EXPECT_TRUE(same_parameters(model, untouched));
  EXPECT_FALSE(model->is_training());
  EXPECT_TRUE(equal(data.training.state_dict(), position));
  EXPECT_TRUE(equal(Value(random_state()), Value(random_before)));
}

TEST(LrFinder, DrawsAndWritesWhatItFound) {
  LrSearch search{.suggested = 1e-2, .at_least_loss = 1e-1};
  for (int i = 0; i < 4; ++i) search.steps.push_back({1e-3 * (i + 1), 2.0 - 0.5 * i});
  EXPECT_THAT(to_string(search), HasSubstr("suggested learning rate: 1.0e-02"));
  EXPECT_THAT(to_string(search), HasSubstr("2.0000 |*"));
  const auto json = nlohmann::json::parse(to_json(search));
  EXPECT_EQ(json["steps"].size(), 4U);
  EXPECT_EQ(json["steps"][1]["loss"], 1.5);
}

TEST(LrFinder, RefusesOptionsOutOfRange) {
  const Model model = small_net();
  const auto optimizer = make_optimizer(OptimizerKind::adam, model);
  auto data = small_data();
  EXPECT_ERROR(find_learning_rate(model, *optimizer, data.training, {.min_lr = 0.0}),
               ErrorCode::invalid_argument, HasSubstr("a range above 0"));
  EXPECT_ERROR(find_learning_rate(model, *optimizer, data.training, {.steps = 3}),
               ErrorCode::invalid_argument, HasSubstr("too few"));
}

}  // namespace lr_finder_test
}  // namespace torchkeep
