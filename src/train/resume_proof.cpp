#include <utility>
#include <vector>

#include <torchkeep/convert.h>
#include <torchkeep/load.h>
#include <torchkeep/resume_proof.h>

#include <torch/nn/module.h>

#include "base/fail.h"
#include "io/checksum.h"
#include "train/first_difference.h"

namespace torchkeep {
namespace resume_proof_detail {

// What one step was made with and came to.
struct Step {
  std::uint32_t images = 0;  // checksums
  std::uint32_t labels = 0;
  double loss = 0.0;  // the mean of the epoch so far
  bool operator==(const Step&) const = default;
};

std::uint32_t checksum(const at::Tensor& tensor) {
  return io::crc32(from_torch(tensor.detach()).contiguous().bytes());
}

// Notes every step of a training and ends it after the last one.
class Recorder : public TrainingObserver {
 public:
  explicit Recorder(std::int64_t first, std::int64_t last) : made_(first), last_(last) {}

  // The same training, watched.
  TrainingParts watch(TrainingParts parts) {
    const auto interrupted = parts.options.interrupted;
    parts.options.interrupted = [this, interrupted] {
      return made_ == last_ || (interrupted && interrupted());
    };
    return parts;
  }

  void before_step(const Batch& batch) override {
    next_.images = checksum(batch.images);
    next_.labels = checksum(batch.labels);
  }
  void on_batch(int, std::int64_t, std::int64_t, double loss) override {
    next_.loss = loss;
    steps_.push_back(next_);
    ++made_;
  }

  const std::vector<Step>& steps() const { return steps_; }
  std::int64_t made() const { return made_; }

 private:
  std::int64_t made_;
  std::int64_t last_;
  Step next_;
  std::vector<Step> steps_;
};

struct Outcome {
  std::vector<Step> steps;
  Value checkpoint;  // at the end
};

// Trains to step `last`, from the beginning or from the checkpoint of `resumed_from`.
Outcome train_to(const BuildTraining& build,
                 const std::filesystem::path& directory,
                 std::int64_t last,
                 const FoundCheckpoint* resumed_from) {
  Recorder recorder(resumed_from ? resumed_from->info.step : 0, last);
  TrainingParts parts = recorder.watch(build(resumed_from ? &resumed_from->value : nullptr));
  parts.options.directory = directory;
  Trainer trainer(parts.model, *parts.optimizer, parts.options);
  if (resumed_from) trainer.resume(resumed_from->value, resumed_from->info.path, parts.training);
  trainer.fit(parts.training, parts.validation ? &*parts.validation : nullptr, &recorder);
  if (recorder.made() != last) {
    fail_at(ErrorCode::invalid_argument, {}, "ask for fewer steps, or for more epochs",
            "the training ended after {} steps (expected {})", recorder.made(), last);
  }
  return {.steps = recorder.steps(), .checkpoint = load_last_checkpoint(directory).value};
}

std::string step_difference(const std::vector<Step>& straight,
                            const std::vector<Step>& resumed,
                            std::int64_t stop_at) {
  for (std::size_t i = 0; i < resumed.size(); ++i) {
    const std::size_t number = static_cast<std::size_t>(stop_at) + i;
    const Step& other = straight[number];
    if (resumed[i] == other) continue;
    if (resumed[i].images != other.images) return fmt::format("step {}: other images", number);
    if (resumed[i].labels != other.labels) return fmt::format("step {}: other labels", number);
    return fmt::format("step {}: the loss is {} and {}", number, other.loss, resumed[i].loss);
  }
  return "";
}

// Without what says in which file of its directory it is.
Value without_mark(const Value& checkpoint) {
  Dict rest = checkpoint.as_dict();
  rest.erase("checkpoint_manager");
  return rest;
}

}  // namespace resume_proof_detail

ResumeProof prove_resume(const BuildTraining& build, const ProofOptions& options) {
  namespace detail = resume_proof_detail;
  if (options.stop_at < 1 || options.stop_at >= options.steps) {
    fail(ErrorCode::invalid_argument, "the stop is at step {} (expected 1 to {})", options.stop_at,
         options.steps - 1);
  }
  const auto straight =
      detail::train_to(build, options.directory / "straight", options.steps, nullptr);
  const std::filesystem::path directory = options.directory / "resumed";
  detail::train_to(build, directory, options.stop_at, nullptr);
  const FoundCheckpoint stopped = load_last_checkpoint(directory);
  const auto resumed = detail::train_to(build, directory, options.steps, &stopped);

  ResumeProof proof{.steps = static_cast<std::int64_t>(resumed.steps.size())};
  proof.difference = detail::step_difference(straight.steps, resumed.steps, options.stop_at);
  if (!proof.difference.empty()) return proof;
  Comparison comparison = compare_leaves(detail::without_mark(straight.checkpoint),
                                         detail::without_mark(resumed.checkpoint));
  proof.difference = std::move(comparison.difference);
  proof.values = comparison.values;
  proof.bytes = comparison.bytes;
  return proof;
}

}  // namespace torchkeep
