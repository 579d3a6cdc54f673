#include <torchkeep/resume_proof.h>

#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <torch/nn/module.h>
#include <torch/optim/optimizer.h>

#include "support/expect_error.h"
#include "support/temporary_directory.h"
#include "train/training_fixture.h"

namespace torchkeep {
namespace resume_proof_test {

using ::testing::HasSubstr;
using testing::OptimizerKind;

TrainingParts build(const Value* checkpoint) {
  at::manual_seed(5);
  Model model = checkpoint ? model_from_checkpoint(*checkpoint) : testing::small_net();
  std::shared_ptr<torch::optim::Optimizer> optimizer =
      testing::make_optimizer(OptimizerKind::adam, model);
  testing::SmallData data = testing::small_data();
  return {.model = model,
          .optimizer = std::move(optimizer),
          .training = std::move(data.training),
          .validation = std::move(data.validation)};
}

TEST(ResumeProof, ATrainingThatIsAllInItsCheckpointIsExact) {
  const testing::TemporaryDirectory directory;
  const ResumeProof proof =
      prove_resume(build, {.steps = 12, .stop_at = 7, .directory = directory.path()});
  EXPECT_EQ(proof.difference, "");
  EXPECT_EQ(proof.steps, 5);
  EXPECT_GT(proof.values, 20);
  EXPECT_GT(proof.bytes, 5056);
}

TEST(ResumeProof, FindsAStateThatIsInNoCheckpoint) {
  const testing::TemporaryDirectory directory;
  const auto forgetful = [](const Value* checkpoint) {
    TrainingParts parts = build(checkpoint);
    parts.options.loss = [calls = 0](const at::Tensor& output, const at::Tensor& labels) mutable {
      return at::cross_entropy_loss(output, labels) * (1.0 + 0.1 * ++calls);
    };
    return parts;
  };
  EXPECT_THAT(
      prove_resume(forgetful, {.steps = 9, .stop_at = 6, .directory = directory.path()}).difference,
      HasSubstr("step 6: the loss is"));
}

TEST(ResumeProof, FindsOtherBatches) {
  const testing::TemporaryDirectory directory;
  const auto unsteady = [](const Value* checkpoint) {
    TrainingParts parts = build(checkpoint);
    Dataset dataset = parts.training.dataset();
    if (checkpoint) dataset.images = dataset.images.flip({0});
    parts.training = BatchSource(dataset, parts.training.options());
    return parts;
  };
  EXPECT_EQ(
      prove_resume(unsteady, {.steps = 9, .stop_at = 6, .directory = directory.path()}).difference,
      "step 6: other images");
}

TEST(ResumeProof, NeedsStepsBeforeAndAfterTheStop) {
  const testing::TemporaryDirectory directory;
  EXPECT_ERROR(prove_resume(build, {.steps = 5, .stop_at = 5, .directory = directory.path()}),
               ErrorCode::invalid_argument, HasSubstr("expected 1 to 4"));
  EXPECT_ERROR(prove_resume(build, {.steps = 500, .stop_at = 5, .directory = directory.path()}),
               ErrorCode::invalid_argument, HasSubstr("ended after"));
}

}  // namespace resume_proof_test
}  // namespace torchkeep
