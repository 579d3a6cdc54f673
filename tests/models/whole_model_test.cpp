#include <torchkeep/error.h>
#include <torchkeep/freeze.h>
#include <torchkeep/models.h>
#include <torchkeep/module.h>
#include <torchkeep/random_state.h>

#include <ATen/ops/rand.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/module.h>

#include "models/registered_net.h"
#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> keys_of(const Value& value) {
  std::vector<std::string> keys;
  for (const auto& [key, item] : value.as_dict()) keys.push_back(key.as_string());
  return keys;
}

Value with(const Value& value, std::string_view key, Value replacement) {
  Dict changed = value.as_dict();
  changed.set(Value(key), std::move(replacement));
  return Value(std::move(changed));
}

Value without(const Value& value, std::string_view key) {
  Dict changed = value.as_dict();
  changed.erase(key);
  return Value(std::move(changed));
}

TEST(WholeModel, IsADictOfPlainValues) {
  const Model model = models::tiny_vgg({.num_classes = 3});
  freeze(*model, "features.*");
  model.eval();
  const Value value = to_value(model);
  EXPECT_THAT(keys_of(value), ElementsAre("format", "version", "architecture", "configuration",
                                          "state_dict", "frozen", "training"));
  EXPECT_EQ(value["architecture"].as_string(), "tiny_vgg");
  EXPECT_EQ(value["configuration"]["num_classes"].as_int(), 3);
  EXPECT_EQ(value["frozen"].size(), 8U);
  EXPECT_EQ(value["training"].size(), 0U);
}

TEST(WholeModel, ComesBackFromAFileWithEverything) {
  const testing::TemporaryDirectory directory;
  Model model = models::tiny_vgg({.num_classes = 10, .dropout = 0.125});
  replace_head(*model, 3);
  freeze(*model, "features.*");
  model.eval();
  model->named_modules()["classifier"]->train();
  model.set_configuration("classes", list({"a", "b", "c"}));
  save_model(model, directory / "model.pt");

  const Model again = load_model(directory / "model.pt");
  EXPECT_EQ(again.architecture(), "tiny_vgg");
  EXPECT_TRUE(equal(again.configuration(), model.configuration()));
  EXPECT_TRUE(equal(Value(state_dict(*again)), Value(state_dict(*model))));
  EXPECT_EQ(frozen_parameters(*again), frozen_parameters(*model));
  const auto modules = again->named_modules("", false);
  EXPECT_FALSE(again->is_training());
  EXPECT_FALSE(modules["features"]->is_training());
  EXPECT_TRUE(modules["classifier"]->is_training());
  EXPECT_TRUE(modules["classifier.1"]->is_training());

  model.eval();
  again.eval();
  const at::Tensor x = at::rand({2, 1, 28, 28});
  EXPECT_TRUE(model.forward(x).equal(again.forward(x)));
}

TEST(WholeModel, OfAUsersClassKeepsTiedParametersTied) {
  testing::register_registered_net();
  const testing::TemporaryDirectory directory;
  testing::RegisteredNet net(6);
  net->norm->running_mean.fill_(3);
  save_model(net, directory / "model.pt");  // by its holder
  const Model again = load_model(directory / "model.pt");
  auto& loaded = dynamic_cast<testing::RegisteredNetImpl&>(*again);
  EXPECT_EQ(loaded.hidden, 6);
  EXPECT_TRUE(loaded.norm->running_mean.equal(net->norm->running_mean));
  EXPECT_TRUE(loaded.output->weight.equal(net->output->weight));
  EXPECT_TRUE(again->named_parameters()["tied"].is_same(loaded.output->weight));
}

TEST(WholeModel, FrozenBatchNormsStayInEvaluationModeAfterALoad) {
  testing::register_registered_net();
  const Model model = create_model("registered_net", dict({{"hidden", 6}}));
  freeze(*model, "norm.*");
  model.train();
  for (const Value& value : {to_value(model), without(to_value(model), "training")}) {
    const Model again = model_from_value(value);
    EXPECT_TRUE(again->is_training());
    EXPECT_FALSE(again->named_modules("", false)["norm"]->is_training());
  }
}

TEST(WholeModel, LoadingLeavesTheRandomStateAlone) {
  testing::register_registered_net();
  const Value value = to_value(create_model("registered_net", dict({{"hidden", 6}})));
  const Tensor before = random_state();
  model_from_value(value);
  EXPECT_TRUE(equal(random_state(), before));
}

TEST(WholeModel, IsReadFromACheckpointToo) {
  const Model model = models::tiny_vgg({.num_classes = 3});
  freeze(*model, "features.*");
  const Value checkpoint = dict({{"epoch", 3},
                                 {"model_state_dict", state_dict(*model)},
                                 {"freeze_plan", dict({{"frozen", to_value(model)["frozen"]}})},
                                 {"architecture", model.architecture()},
                                 {"configuration", model.configuration()},
                                 {"version", 1}});
  const Model again = model_from_value(checkpoint);
  EXPECT_TRUE(equal(Value(state_dict(*again)), Value(state_dict(*model))));
  EXPECT_EQ(frozen_parameters(*again), frozen_parameters(*model));
  EXPECT_TRUE(again->is_training());
}

TEST(WholeModel, SaysWhatElseAFileHolds) {
  const Model model = models::tiny_vgg();
  EXPECT_ERROR(model_from_value(state_dict(*model)), ErrorCode::invalid_argument,
               AllOf(HasSubstr("a state dict of 10 tensors"), HasSubstr("load_state_dict")));
  EXPECT_ERROR(model_from_value(dict({{"epoch", 1}, {"model_state_dict", state_dict(*model)}})),
               ErrorCode::invalid_argument,
               HasSubstr("a checkpoint that does not name the architecture"));
  const Value pickled =
      Object::instance(Object::global("torchvision.models.vgg", "VGG"), tuple({}));
  EXPECT_ERROR(model_from_value(pickled), ErrorCode::unsupported,
               HasSubstr("a pickled object of class torchvision.models.vgg.VGG"));
  EXPECT_ERROR(model_from_value(dict({{"epoch", 1}})), ErrorCode::invalid_argument,
               HasSubstr("not a model of save_model(): a dict without 'architecture'"));
  EXPECT_ERROR(model_from_value(3), ErrorCode::invalid_argument,
               HasSubstr("not a model of save_model(): a value of kind int"));
}

TEST(WholeModel, RefusesWhatDoesNotFitTogether) {
  const Value value = to_value(models::tiny_vgg({.num_classes = 3}));
  EXPECT_ERROR(model_from_value(with(value, "architecture", "my_lost_net")), ErrorCode::not_found,
               HasSubstr("register_model<YourNetImpl>(\"my_lost_net\", factory, describe)"));
  EXPECT_ERROR(model_from_value(with(value, "configuration", dict({{"num_classes", 4}}))),
               ErrorCode::mismatch, HasSubstr("classifier.2.weight"));
  EXPECT_ERROR(model_from_value(with(value, "configuration", 3)), ErrorCode::mismatch,
               HasSubstr(""));
  EXPECT_ERROR(model_from_value(with(value, "frozen", list({"features.99.weight"}))),
               ErrorCode::not_found, HasSubstr("features.99.weight"));
  EXPECT_ERROR(model_from_value(with(value, "training", list({"features.99"}))),
               ErrorCode::mismatch, HasSubstr("the model has no module 'features.99'"));
  EXPECT_ERROR(model_from_value(with(value, "version", 2)), ErrorCode::unsupported,
               HasSubstr("unknown version of the format (expected 1, got 2)"));
  EXPECT_ERROR(model_from_value(without(value, "state_dict")), ErrorCode::not_found,
               HasSubstr("model_state_dict"));
}

TEST(WholeModel, RefusesASizeThatNoMemoryHolds) {
  const Value value = to_value(models::tiny_vgg());
  const Value huge = dict({{"num_classes", std::int64_t{1} << 50}});
  EXPECT_ERROR(model_from_value(with(value, "configuration", huge)), ErrorCode::mismatch,
               HasSubstr("tiny_vgg cannot be built with"));
}

TEST(WholeModel, NamesTheFileInErrors) {
  const testing::TemporaryDirectory directory;
  const auto path = directory / "state_dict.pt";
  save(state_dict(*models::tiny_vgg()), path);
  EXPECT_ERROR(load_model(path), ErrorCode::invalid_argument, HasSubstr(path.string()));
}

TEST(WholeModel, OfAnUnregisteredArchitectureIsNotSaved) {
  const Model zoo = models::tiny_vgg();
  const Model model("unheard_of", dict({}), zoo.ptr(), [](const at::Tensor& x) { return x; });
  EXPECT_ERROR(to_value(model), ErrorCode::not_found,
               HasSubstr("no architecture 'unheard_of' is registered"));
}

}  // namespace
}  // namespace torchkeep
