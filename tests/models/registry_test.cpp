#include <algorithm>

#include <torchkeep/error.h>
#include <torchkeep/models.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/registered_net.h"
#include "support/expect_error.h"

namespace torchkeep {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

struct UnregisteredImpl : torch::nn::Module {};

ModelClass complete_class(std::string architecture, std::type_index type) {
  return {.architecture = std::move(architecture),
          .type = type,
          .build = [](const Value&) { return models::tiny_vgg(); },
          .describe = [](const torch::nn::Module&) { return dict({}); },
          .forward = [](torch::nn::Module&, const at::Tensor& x) { return x; }};
}

TEST(Registry, KnowsTheZooAndWhatIsRegisteredInOrder) {
  testing::register_registered_net();
  const auto names = model_names();
  EXPECT_THAT(names, IsSupersetOf({"registered_net", "tiny_vgg", "vgg11", "vgg11_bn", "vgg13",
                                   "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn"}));
  EXPECT_TRUE(std::ranges::is_sorted(names));
}

TEST(Registry, BuildsByNameAndConfiguration) {
  testing::register_registered_net();
  EXPECT_EQ(
      create_model("tiny_vgg", dict({{"num_classes", 3}})).configuration()["num_classes"].as_int(),
      3);
  const Model model = create_model("registered_net", dict({{"hidden", 7}}));
  EXPECT_EQ(dynamic_cast<testing::RegisteredNetImpl&>(*model).hidden, 7);
}

TEST(Registry, SaysWhatIsKnownForAnUnknownName) {
  EXPECT_ERROR(create_model("vgg_16"), ErrorCode::not_found,
               AllOf(HasSubstr("no architecture 'vgg_16' is registered (known are "),
                     HasSubstr("vgg19_bn"), HasSubstr("did you mean 'vgg16'?"),
                     HasSubstr("torchkeep::register_model<YourNetImpl>(\"vgg_16\", factory, "
                               "describe)")));
}

TEST(Registry, SaysWhatIsWrongInAConfiguration) {
  EXPECT_ERROR(
      create_model("vgg16", dict({{"num_clases", 2}})), ErrorCode::invalid_argument,
      AllOf(HasSubstr("unknown key 'num_clases'"), HasSubstr("did you mean 'num_classes'?")));
  EXPECT_ERROR(create_model("vgg16", dict({{"num_classes", "two"}})), ErrorCode::mismatch,
               HasSubstr("configuration.num_classes"));
  EXPECT_ERROR(create_model("vgg16", dict({{"num_classes", -2}})), ErrorCode::invalid_argument,
               HasSubstr("num_classes must be at least 1 (got -2)"));
  EXPECT_ERROR(create_model("vgg16", 3), ErrorCode::mismatch, HasSubstr("dict"));
}

TEST(Registry, RefusesANameOrATypeTwice) {
  testing::register_registered_net();
  EXPECT_ERROR(register_model_class(complete_class("vgg16", typeid(UnregisteredImpl))),
               ErrorCode::invalid_argument,
               HasSubstr("an architecture 'vgg16' is registered already"));
  EXPECT_ERROR(
      register_model_class(complete_class("other_net", typeid(testing::RegisteredNetImpl))),
      ErrorCode::invalid_argument, HasSubstr("is registered already, as 'registered_net'"));
}

TEST(Registry, RefusesAnIncompleteClass) {
  EXPECT_ERROR(register_model_class(complete_class("", typeid(UnregisteredImpl))),
               ErrorCode::invalid_argument, HasSubstr("needs the name of its architecture"));
  ModelClass no_factory = complete_class("unregistered", typeid(UnregisteredImpl));
  no_factory.build = nullptr;
  EXPECT_ERROR(register_model_class(no_factory), ErrorCode::invalid_argument,
               HasSubstr("'unregistered' needs type, build, describe and forward"));
}

TEST(Registry, NamesTheLineThatRegistersAClass) {
  const UnregisteredImpl net;
  EXPECT_ERROR(save_model(net, "never-written.pt"), ErrorCode::invalid_argument,
               AllOf(HasSubstr("UnregisteredImpl is not registered"),
                     HasSubstr("add torchkeep::register_model<"), HasSubstr("UnregisteredImpl>(")));
}

}  // namespace
}  // namespace torchkeep
