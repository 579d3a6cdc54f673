#include <torchkeep/evaluation.h>

#include <ATen/Functions.h>
#include <gmock/gmock.h>
#include <torch/nn/module.h>

#include "train/training_fixture.h"

namespace torchkeep {
namespace evaluation_test {

using ::testing::ElementsAre;

// A model that gives what its image says: pixel i is the output for class i.
Model echo(std::int64_t outputs) {
  return Model("echo", dict({}), std::make_shared<torch::nn::Module>(),
               [outputs](const at::Tensor& x) { return x.flatten(1).narrow(1, 0, outputs); });
}

// Four images that look like the classes 0, 1, 1 and 2, of which the third is of class 2.
Dataset four_images() {
  Dataset dataset{.images = at::zeros({4, 1, 1, 3}, at::kByte),
                  .labels = at::tensor({0, 1, 2, 2}, at::kLong),
                  .class_names = {"a", "b", "c", "d"}};
  dataset.images[0][0][0][0] = 255;
  dataset.images[1][0][0][1] = 255;
  dataset.images[2][0][0][1] = 255;
  dataset.images[3][0][0][2] = 255;
  return dataset;
}

TEST(Evaluation, CountsWhatIsTakenForWhat) {
  BatchSource batches(four_images(), {.batch_size = 3});
  const Evaluation found = evaluate_classes(echo(3), batches);
  EXPECT_THAT(found.confusion, ElementsAre(ElementsAre(1, 0, 0, 0), ElementsAre(0, 1, 0, 0),
                                           ElementsAre(0, 1, 1, 0), ElementsAre(0, 0, 0, 0)));
  EXPECT_EQ(found.accuracy, 0.75);
  EXPECT_EQ(found.images_of(2), 2);
  EXPECT_EQ(found.accuracy_of(2), 0.5);
  EXPECT_TRUE(std::isnan(found.accuracy_of(3)));
  const Metrics metrics = evaluate(echo(3), batches);
  EXPECT_EQ(metrics.at("acc"), found.accuracy);
  EXPECT_EQ(metrics.at("loss"), found.loss);
}

TEST(Evaluation, PredictsTheLikeliestFirst) {
  const auto predictions =
      predict(echo(3), four_images(), {.top_k = 2, .batches = {.batch_size = 3}});
  ASSERT_EQ(predictions.size(), 4U);
  ASSERT_EQ(predictions[2].size(), 2U);
  EXPECT_EQ(predictions[2][0].index, 1);
  // Pixels become -1 and 1.
  const double e = std::exp(1.0);
  EXPECT_NEAR(predictions[2][0].probability, e / (e + 2 / e), 1e-6);
  EXPECT_EQ(predict(echo(3), four_images(), {.top_k = 9}).front().size(), 3U);
}

TEST(Evaluation, ASingleOutputTellsTwoClassesApart) {
  const auto predictions = predict(echo(1), four_images());
  EXPECT_EQ(predictions[0][0].index, 1);
  EXPECT_NEAR(predictions[0][0].probability, 1.0 / (1.0 + std::exp(-1.0)), 1e-6);
  EXPECT_EQ(predictions[1][0].index, 0);
}

}  // namespace evaluation_test
}  // namespace torchkeep
