// Random histories of a run against a model of what must be in its directory.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include <torchkeep/checkpoint_manager.h>
#include <torchkeep/load.h>

#include <gtest/gtest.h>

#include "support/crashing_file_operations.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;
using Steps = std::set<std::int64_t>;

struct Saved {
  std::int64_t step = 0;  // the number of the save, too
  int epoch = 0;
  double loss = 0.0;
  bool intermediate = false;
};

// What must be kept, worked out as slowly and plainly as possible.
class Expected {
 public:
  explicit Expected(const CheckpointManagerOptions& options) : options_(options) {}

  std::vector<Saved> saved;  // and not dropped, oldest first

  // Those of `saved` and `candidate` that are to be kept.
  Steps kept_with(const std::optional<Saved>& candidate) const {
    std::vector<Saved> all = saved;
    if (candidate) all.push_back(*candidate);
    Steps kept;
    for (const Saved& each : all) {
      if (wanted(each, all)) kept.insert(each.step);
    }
    return kept;
  }

  void keep_only(const Steps& steps) {
    std::erase_if(saved, [&](const Saved& each) { return !steps.contains(each.step); });
  }

 private:
  bool wanted(const Saved& one, const std::vector<Saved>& all) const {
    if (one.intermediate) return one.step == all.back().step;
    int better = 0;
    int newer = 0;
    bool first_of_stretch = true;
    for (const Saved& other : all) {
      if (other.intermediate || other.step == one.step) continue;
      const bool wins = options_.mode == Mode::min ? other.loss < one.loss : other.loss > one.loss;
      if (wins || (other.loss == one.loss && other.step < one.step)) ++better;
      if (other.step > one.step) ++newer;
      if (other.step < one.step && same_stretch(other, one)) first_of_stretch = false;
    }
    const RetentionPolicy& policy = options_.retention;
    return !options_.save_top_k || better < *options_.save_top_k ||
           (options_.save_last && newer == 0) || (policy.last && newer < *policy.last) ||
           (policy.every_n_epochs && first_of_stretch);
  }

  bool same_stretch(const Saved& older, const Saved& newer) const {
    const std::int64_t length = options_.retention.every_n_epochs.value_or(1);
    return older.epoch / length == newer.epoch / length;
  }

  CheckpointManagerOptions options_;
};

class History {
 public:
  explicit History(unsigned seed)
      : random_(seed), options_(random_options()), expected_(options_), manager_(open()) {}

  void run(int operations) {
    for (int i = 0; i < operations; ++i) {
      switch (pick(0, 9)) {
        case 0:
          crash();
          break;
        case 1:
          reopen();
          break;
        case 2:
          delete_one();
          break;
        case 3:
          lose_the_index();
          break;
        case 4:
        case 5:
          save(next(/*intermediate=*/true));
          break;
        default:
          save(next(/*intermediate=*/false));
          break;
      }
      if (::testing::Test::HasFailure()) return;
      expect_as_expected();
    }
  }

 private:
  int pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }

  CheckpointManagerOptions random_options() {
    CheckpointManagerOptions options{.filename = "{step}", .monitor = "loss"};
    options.mode = pick(0, 1) == 0 ? Mode::min : Mode::max;
    options.save_top_k = pick(0, 3);
    if (pick(0, 5) == 0) options.save_top_k.reset();
    options.save_last = options.save_top_k == 0 || pick(0, 2) > 0;
    if (pick(0, 1) == 0) options.retention.last = pick(1, 3);
    if (pick(0, 1) == 0) options.retention.every_n_epochs = pick(1, 4);
    if (pick(0, 3) == 0) options.deletion = Deletion::move_to_trash;
    if (pick(0, 2) == 0) options.saving = CheckpointManagerOptions::Saving::in_background;
    options.save.durability = Durability::cached;
    return options;
  }

  CheckpointManager open() const { return CheckpointManager(directory_.path(), options_); }

  Saved next(bool intermediate) {
    ++step_;
    if (!intermediate) ++epoch_;
    return {step_, epoch_, pick(0, 5) / 10.0, intermediate};
  }

  static void save(CheckpointManager& manager, const Saved& saved) {
    const Value checkpoint =
        dict({{"epoch", saved.epoch},
              {"global_step", saved.step},
              {"weight", Tensor::scalar<double>(static_cast<double>(saved.step))}});
    if (saved.intermediate) {
      manager.save_intermediate(checkpoint);
    } else {
      manager.save(checkpoint, {{"loss", saved.loss}});
    }
    manager.wait();
  }

  void save(const Saved& saved) {
    const Steps kept = expected_.kept_with(saved);
    save(manager_, saved);
    // A save that would not be kept is declined, and nothing is cleared up.
    if (!kept.contains(saved.step)) return;
    expected_.saved.push_back(saved);
    expected_.keep_only(kept);
  }

  // The process dies somewhere within a save; another one goes on.
  void crash() {
    const Saved saved = next(pick(0, 1) == 0);
    Steps before;
    for (const Saved& each : expected_.saved) before.insert(each.step);
    const Steps kept = expected_.kept_with(saved);
    bool crashed = false;
    {
      const testing::CrashingFileOperations operations(static_cast<std::size_t>(pick(0, 12)));
      try {
        save(manager_, saved);
      } catch (const Error& error) {
        EXPECT_TRUE(operations.crashed()) << error.what();
      }
      crashed = operations.crashed();
    }
    manager_ = open();
    const Steps left = listed();
    // All of the old, or all that is to be kept with the new one.
    const Steps& needed = left.contains(saved.step) ? kept : before;
    EXPECT_TRUE(std::ranges::includes(left, needed)) << "after a crash in step " << saved.step;
    if (!crashed && kept.contains(saved.step)) {
      EXPECT_EQ(left, kept);
    }
    for (const std::int64_t step : left) {
      EXPECT_TRUE(before.contains(step) || step == saved.step) << step;
    }
    if (left.contains(saved.step)) expected_.saved.push_back(saved);
    expected_.keep_only(left);
  }

  void reopen() { manager_ = open(); }

  void lose_the_index() {
    fs::remove(directory_ / "checkpoints.json");
    reopen();
  }

  void delete_one() {
    if (expected_.saved.empty()) return;
    const auto at = pick(0, static_cast<int>(expected_.saved.size()) - 1);
    const auto victim = expected_.saved.begin() + at;
    fs::remove(manager_.list()[static_cast<std::size_t>(at)].path);
    expected_.saved.erase(victim);
    reopen();
  }

  Steps listed() const {
    Steps steps;
    for (const CheckpointInfo& info : manager_.list()) steps.insert(info.step);
    return steps;
  }

  void expect_as_expected() const {
    const std::vector<CheckpointInfo> list = manager_.list();
    ASSERT_EQ(list.size(), expected_.saved.size());
    for (std::size_t i = 0; i < expected_.saved.size(); ++i) {
      const CheckpointInfo& info = list[i];
      EXPECT_EQ(info.step, expected_.saved[i].step);
      EXPECT_EQ(info.intermediate, expected_.saved[i].intermediate);
      EXPECT_EQ(load(info.path)["weight"].as_double(), static_cast<double>(info.step));
    }
    std::size_t files = 0;
    for (const auto& entry : fs::directory_iterator(directory_.path())) {
      if (entry.path().extension() == ".pt") ++files;
    }
    EXPECT_EQ(files, expected_.saved.size());
    if (expected_.saved.empty()) return;
    EXPECT_EQ(manager_.last()->step, expected_.saved.back().step);
  }

  testing::TemporaryDirectory directory_;
  std::mt19937 random_;
  CheckpointManagerOptions options_;
  Expected expected_;
  int epoch_ = 0;
  std::int64_t step_ = 0;
  CheckpointManager manager_;
};

TEST(CheckpointHistory, EndsAsTheRulesSayWhateverHappens) {
  for (unsigned seed = 0; seed < 1000; ++seed) {
    SCOPED_TRACE(seed);
    History(seed).run(8);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace torchkeep
