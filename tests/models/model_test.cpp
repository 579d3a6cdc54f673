#include <torchkeep/error.h>
#include <torchkeep/freeze.h>
#include <torchkeep/models.h>

#include <ATen/ops/rand.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/registered_net.h"
#include "support/expect_error.h"

namespace torchkeep {
namespace {

using ::testing::HasSubstr;

Model model_of(std::string architecture, const testing::RegisteredNet& net) {
  return Model(std::move(architecture), dict({}), net.ptr(),
               [impl = net.ptr()](const at::Tensor& x) { return impl->forward(x); });
}

TEST(Model, ForwardIsThatOfTheModule) {
  testing::RegisteredNet net(5);
  const Model model = model_of("mine", net);
  model.eval();
  const at::Tensor x = at::rand({2, 4});
  EXPECT_TRUE(model.forward(x).equal(net->forward(x)));
}

TEST(Model, RefusesNoModuleAndAConfigurationThatIsNoDict) {
  EXPECT_ERROR(Model("mine", dict({}), nullptr, {}), ErrorCode::invalid_argument,
               HasSubstr("a Model needs a module (got null)"));
  EXPECT_ERROR(Model("mine", 3, testing::RegisteredNet(5).ptr(), {}), ErrorCode::invalid_argument,
               HasSubstr("the configuration of a Model is a dict (got int)"));
}

TEST(Model, ConfigurationTellsWhatTheModuleIsNow) {
  testing::register_registered_net();
  testing::RegisteredNet net(5);
  const Model model = model_of("registered_net", net);
  EXPECT_TRUE(equal(model.configuration(), dict({{"hidden", 5}})));
  net->hidden = 6;
  EXPECT_TRUE(equal(model.configuration(), dict({{"hidden", 6}})));
}

TEST(Model, KeepsWhatIsAddedToTheConfigurationToItself) {
  Model model = models::tiny_vgg({.num_classes = 2});
  const Model copy = model;
  model.set_configuration("classes", list({"cat", "dog"}));
  EXPECT_EQ(model.configuration()["classes"].size(), 2U);
  EXPECT_FALSE(copy.configuration().contains("classes"));
}

TEST(Model, FrozenBatchNormsStayInEvaluationModeInTraining) {
  testing::RegisteredNet net(5);
  const Model model = model_of("mine", net);
  freeze(*model, "norm.*");
  model.train();
  EXPECT_TRUE(net->input->is_training());
  EXPECT_FALSE(net->norm->is_training());
  model.eval();
  EXPECT_FALSE(net->input->is_training());
}

}  // namespace
}  // namespace torchkeep
