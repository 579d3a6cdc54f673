#include <algorithm>
#include <cmath>
#include <set>

#include <torchkeep/checkpoint_manager.h>
#include <torchkeep/load.h>
#include <torchkeep/save.h>

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/temporary_directory.h"
#include "support/test_file.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

Value checkpoint_of(int epoch) {
  return dict({{"epoch", epoch},
               {"global_step", 10 * (epoch + 1)},
               {"model_state_dict", dict({{"weight", Tensor::of<float>({1, 2, 3}, {3})}})}});
}

std::vector<int> epochs(const std::vector<CheckpointInfo>& checkpoints) {
  std::vector<int> result;
  for (const CheckpointInfo& info : checkpoints) result.push_back(info.epoch);
  return result;
}

class CheckpointManagerTest : public ::testing::Test {
 protected:
  // Saves a checkpoint with this loss as the next epoch.
  static std::optional<fs::path> save(CheckpointManager& manager, int epoch, double loss) {
    return manager.save(checkpoint_of(epoch), {{"val_loss", loss}});
  }
  static void save_all(CheckpointManager& manager, const std::vector<double>& losses) {
    for (std::size_t i = 0; i < losses.size(); ++i) save(manager, static_cast<int>(i), losses[i]);
  }

  testing::TemporaryDirectory directory_;
  const CheckpointManagerOptions options_{.filename = "{epoch}", .monitor = "val_loss"};
};

TEST_F(CheckpointManagerTest, SavesUnderTheNameOfTheTemplate) {
  CheckpointManager manager(directory_.path(),
                            {.filename = "checkpoint_model_{epoch}_{val_loss:.4f}"});
  EXPECT_EQ(save(manager, 3, 0.25), directory_ / "checkpoint_model_3_0.2500.pt");
  const Value saved = load(directory_ / "checkpoint_model_3_0.2500.pt");
  EXPECT_EQ(saved["epoch"].as_int(), 3);
  EXPECT_EQ(saved["metrics"]["val_loss"].as_double(), 0.25);
  EXPECT_TRUE(equal(saved["model_state_dict"], checkpoint_of(3)["model_state_dict"]));
}

TEST_F(CheckpointManagerTest, DoesNotTouchTheCallersDict) {
  CheckpointManager manager(directory_.path(), options_);
  const Value checkpoint = checkpoint_of(0);
  manager.save(checkpoint, {{"val_loss", 1.0}});
  EXPECT_TRUE(equal(checkpoint, checkpoint_of(0)));
}

TEST_F(CheckpointManagerTest, CreatesItsDirectory) {
  const fs::path nested = directory_ / "a" / "b";
  CheckpointManager manager(nested, options_);
  EXPECT_TRUE(fs::is_directory(nested));
  EXPECT_FALSE(manager.best().has_value());
  EXPECT_FALSE(manager.last().has_value());
}

TEST_F(CheckpointManagerTest, KeepsTheBestAndTheLast) {
  CheckpointManager manager(directory_.path(), options_);
  save_all(manager, {0.5, 0.3, 0.4, 0.6});
  EXPECT_THAT(testing::names_in(directory_.path()),
              UnorderedElementsAre("1.pt", "3.pt", "checkpoints.json"));
  EXPECT_THAT(epochs(manager.list()), ElementsAre(1, 3));
  EXPECT_EQ(manager.best()->epoch, 1);
  EXPECT_EQ(manager.best()->metrics.at("val_loss"), 0.3);
  EXPECT_EQ(manager.best()->step, 20);
  EXPECT_EQ(manager.last()->epoch, 3);
  EXPECT_EQ(manager.last()->file_bytes, fs::file_size(manager.last()->path));
}

TEST_F(CheckpointManagerTest, KeepsAsManyOfTheBestAsItIsTold) {
  CheckpointManager manager(
      directory_.path(),
      {.filename = "{epoch}", .monitor = "val_loss", .mode = Mode::max, .save_top_k = 3});
  save_all(manager, {0.5, 0.3, 0.4, 0.6, 0.1});
  EXPECT_THAT(epochs(manager.list()), ElementsAre(0, 2, 3, 4));
}

TEST_F(CheckpointManagerTest, KeepsAllWithoutANumber) {
  CheckpointManager manager(
      directory_.path(),
      {.filename = "{epoch}", .monitor = "val_loss", .save_top_k = std::nullopt});
  save_all(manager, {0.5, 0.3, 0.4, 0.6});
  EXPECT_THAT(epochs(manager.list()), ElementsAre(0, 1, 2, 3));
}

TEST_F(CheckpointManagerTest, DoesNotWriteWhatWouldNotBeKept) {
  CheckpointManager manager(directory_.path(),
                            {.filename = "{epoch}", .monitor = "val_loss", .save_last = false});
  EXPECT_TRUE(save(manager, 0, 0.3).has_value());
  EXPECT_FALSE(save(manager, 1, 0.4).has_value());
  EXPECT_FALSE(save(manager, 2, 0.3).has_value());
  EXPECT_THAT(testing::names_in(directory_.path()),
              UnorderedElementsAre("0.pt", "checkpoints.json"));
}

TEST_F(CheckpointManagerTest, NanIsTheWorst) {
  CheckpointManager manager(directory_.path(), options_);
  save_all(manager, {NAN, 0.5, NAN});
  EXPECT_EQ(manager.best()->epoch, 1);
  EXPECT_THAT(epochs(manager.list()), ElementsAre(1, 2));
  EXPECT_TRUE(std::isnan(list_checkpoints(directory_.path()).back().metrics.at("val_loss")));
}

TEST_F(CheckpointManagerTest, SavesOnlyEveryNthEpoch) {
  CheckpointManager manager(
      directory_.path(), {.filename = "{epoch}", .save_top_k = std::nullopt, .every_n_epochs = 3});
  EXPECT_FALSE(manager.wants(0));
  EXPECT_TRUE(manager.wants(2));
  save_all(manager, {1, 1, 1, 1, 1, 1, 1});
  EXPECT_THAT(epochs(manager.list()), ElementsAre(2, 5));
}

TEST_F(CheckpointManagerTest, AnExistingNameGetsAVersion) {
  CheckpointManager manager(
      directory_.path(),
      {.filename = "{epoch}", .monitor = "val_loss", .save_top_k = std::nullopt});
  testing::write_content(directory_ / "7-v1.pt", "not mine");
  EXPECT_EQ(save(manager, 7, 0.5), directory_ / "7.pt");
  EXPECT_EQ(save(manager, 7, 0.4), directory_ / "7-v2.pt");
  EXPECT_EQ(testing::file_content(directory_ / "7-v1.pt"), "not mine");
}

TEST_F(CheckpointManagerTest, AMissingMetricIsAnErrorAndNothingIsWritten) {
  CheckpointManager manager(directory_.path(),
                            {.filename = "{epoch}_{val_acc:.2f}", .monitor = "val_loss"});
  EXPECT_ERROR(save(manager, 0, 0.5), ErrorCode::not_found,
               AllOf(HasSubstr("val_acc"), HasSubstr("there are val_loss")));
  EXPECT_ERROR(manager.save(checkpoint_of(0), {{"val_acc", 0.5}}), ErrorCode::not_found,
               AllOf(HasSubstr("\"val_loss\""), HasSubstr("there are val_acc")));
  EXPECT_THAT(testing::names_in(directory_.path()), IsEmpty());
}

TEST_F(CheckpointManagerTest, ACheckpointNeedsAnEpoch) {
  CheckpointManager manager(directory_.path(), options_);
  EXPECT_ERROR(manager.save(dict({{"loss", 1.0}}), {{"val_loss", 1.0}}), ErrorCode::not_found,
               HasSubstr("epoch"));
  EXPECT_ERROR(manager.save(checkpoint_of(-1), {{"val_loss", 1.0}}), ErrorCode::corrupt,
               HasSubstr("-1"));
}

TEST_F(CheckpointManagerTest, RefusesOptionsWithoutSense) {
  const fs::path path = directory_ / "run";
  EXPECT_ERROR(CheckpointManager(path, {.filename = "{epoch"}), ErrorCode::invalid_argument,
               HasSubstr("braces"));
  EXPECT_ERROR(CheckpointManager(path, {.save_top_k = -1}), ErrorCode::invalid_argument,
               HasSubstr("save_top_k"));
  EXPECT_ERROR(CheckpointManager(path, {.save_top_k = 0, .save_last = false}),
               ErrorCode::invalid_argument, HasSubstr("nothing would be kept"));
  EXPECT_ERROR(CheckpointManager(path, {.every_n_epochs = 0}), ErrorCode::invalid_argument,
               HasSubstr("every_n_epochs"));
  EXPECT_ERROR(CheckpointManager(path, {.every_n_minutes = NAN}), ErrorCode::invalid_argument,
               HasSubstr("every_n_minutes"));
  EXPECT_ERROR(CheckpointManager(path, {.retention = {.last = 0}}), ErrorCode::invalid_argument,
               HasSubstr("the rule last has 0"));
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(CheckpointManagerTest, KeepsWhatTheRulesOfItsPolicyWant) {
  CheckpointManager manager(directory_.path(), {.filename = "{epoch}",
                                                .monitor = "val_loss",
                                                .retention = {.last = 2, .every_n_epochs = 3}});
  save_all(manager, {0.5, 0.1, 0.4, 0.6, 0.7, 0.8});
  EXPECT_THAT(epochs(manager.list()), ElementsAre(0, 1, 3, 4, 5));
}

TEST_F(CheckpointManagerTest, TheTrashGetsWhatIsDroppedButNoIntermediateOnes) {
  CheckpointManager manager(
      directory_.path(),
      {.filename = "{epoch}", .monitor = "val_loss", .deletion = Deletion::move_to_trash});
  save(manager, 0, 0.5);
  manager.save_intermediate(checkpoint_of(1));
  save(manager, 1, 0.4);
  save(manager, 0, 0.3);
  save(manager, 3, 0.2);
  EXPECT_THAT(testing::names_in(directory_ / "trash"),
              UnorderedElementsAre("0.pt", "0-v1.pt", "1.pt"));
  EXPECT_THAT(epochs(CheckpointManager(directory_.path(), options_).list()), ElementsAre(3));
}

TEST_F(CheckpointManagerTest, AnIntermediateOneIsDueByStepsOrByTime) {
  const CheckpointManager by_steps(directory_.path(), {.every_n_steps = 4});
  EXPECT_TRUE(by_steps.wants_step(8));
  EXPECT_FALSE(by_steps.wants_step(9));
  EXPECT_TRUE(CheckpointManager(directory_.path(), {.every_n_minutes = 1e-12}).wants_step(9));
  EXPECT_FALSE(CheckpointManager(directory_.path(), {.every_n_minutes = 1e6}).wants_step(9));
}

TEST_F(CheckpointManagerTest, ADirectoryThatCannotBeMadeIsAnError) {
  testing::write_content(directory_ / "file", "x");
  EXPECT_ERROR(CheckpointManager(directory_ / "file" / "run"), ErrorCode::not_found,
               HasSubstr("create the directory"));
}

TEST_F(CheckpointManagerTest, GoesOnWhereAnEarlierManagerStopped) {
  {
    CheckpointManager manager(directory_.path(), options_);
    save_all(manager, {0.5, 0.3, 0.4});
  }
  CheckpointManager manager(directory_.path(), options_);
  EXPECT_EQ(manager.best()->epoch, 1);
  EXPECT_EQ(manager.last()->epoch, 2);
  save(manager, 3, 0.2);
  EXPECT_THAT(testing::names_in(directory_.path()),
              UnorderedElementsAre("3.pt", "checkpoints.json"));
}

TEST_F(CheckpointManagerTest, ANewTrainingInTheDirectoryIsNewerThanTheOldOne) {
  {
    CheckpointManager manager(directory_.path(), options_);
    save_all(manager, {0.5, 0.3, 0.4});
  }
  CheckpointManager manager(directory_.path(), options_);
  save(manager, 0, 0.9);
  EXPECT_EQ(manager.last()->epoch, 0);
  fs::remove(directory_ / "checkpoints.json");
  EXPECT_EQ(load_last_checkpoint(directory_.path()).info.epoch, 0);
}

TEST_F(CheckpointManagerTest, NeverDeletesAProtectedFile) {
  CheckpointManager manager(directory_.path(), options_);
  save(manager, 0, 0.5);
  manager.protect(directory_.path() / "." / "0.pt");
  save(manager, 1, 0.4);
  save(manager, 2, 0.3);
  EXPECT_THAT(epochs(manager.list()), ElementsAre(0, 2));
  EXPECT_TRUE(fs::exists(directory_ / "0.pt"));
}

TEST_F(CheckpointManagerTest, NeverDeletesWhatIsNotItsOwn) {
  {
    CheckpointManager manager(directory_.path(), options_);
    save(manager, 0, 0.5);
  }
  torchkeep::save(checkpoint_of(5), directory_ / "by_hand.pt");
  fs::copy_file(directory_ / "0.pt", directory_ / "copy.pt");
  testing::write_content(directory_ / "notes.pt", "no checkpoint");
  fs::remove(directory_ / "checkpoints.json");
  CheckpointManager manager(directory_.path(), options_);
  save(manager, 1, 0.4);
  save(manager, 2, 0.3);
  EXPECT_THAT(
      testing::names_in(directory_.path()),
      UnorderedElementsAre("2.pt", "by_hand.pt", "copy.pt", "notes.pt", "checkpoints.json"));
  EXPECT_THAT(epochs(manager.list()), ElementsAre(2));
  EXPECT_THAT(epochs(list_checkpoints(directory_.path())), ElementsAre(0, 5, 2));
}

TEST_F(CheckpointManagerTest, AFileThatSomebodyElseDeletedIsForgotten) {
  CheckpointManager manager(directory_.path(), options_);
  save_all(manager, {0.3, 0.5});
  fs::remove(directory_ / "1.pt");
  EXPECT_THAT(epochs(list_checkpoints(directory_.path())), ElementsAre(0));
  save(manager, 2, 0.4);
  EXPECT_THAT(epochs(manager.list()), ElementsAre(0, 2));
}

class CheckpointIndexTest : public CheckpointManagerTest {
 protected:
  void SetUp() override {
    CheckpointManager manager(directory_.path(), {.filename = "{epoch}",
                                                  .monitor = "val_loss",
                                                  .mode = Mode::max,
                                                  .save_top_k = std::nullopt});
    save_all(manager, {0.5, 0.7, NAN});
    listed_ = manager.list();
  }

  void expect_the_same_list() const {
    const auto found = list_checkpoints(directory_.path());
    ASSERT_EQ(found.size(), listed_.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].path, listed_[i].path);
      EXPECT_EQ(found[i].epoch, listed_[i].epoch);
      EXPECT_EQ(found[i].step, listed_[i].step);
      EXPECT_EQ(found[i].file_bytes, listed_[i].file_bytes);
      EXPECT_EQ(found[i].number, listed_[i].number);
      EXPECT_EQ(found[i].metrics.size(), 1U);
    }
    EXPECT_EQ(found[1].metrics.at("val_loss"), 0.7);
    EXPECT_TRUE(std::isnan(found[2].metrics.at("val_loss")));
    EXPECT_EQ(best_checkpoint(directory_.path())->epoch, 1);
  }

  std::vector<CheckpointInfo> listed_;
};

TEST_F(CheckpointIndexTest, TellsWhatTheManagerKnows) { expect_the_same_list(); }

TEST_F(CheckpointIndexTest, IsReadInsteadOfTheFiles) {
  const auto size = fs::file_size(directory_ / "0.pt");
  testing::write_content(directory_ / "0.pt", std::string(size, 'x'));
  expect_the_same_list();
}

TEST_F(CheckpointIndexTest, IsRebuiltWhereItIsMissing) {
  fs::remove(directory_ / "checkpoints.json");
  expect_the_same_list();
}

TEST_F(CheckpointIndexTest, IsRebuiltWhereItIsDamaged) {
  const std::string index = testing::file_content(directory_ / "checkpoints.json");
  for (std::size_t size = 0; size < index.size() - 2; size += 7) {
    testing::write_content(directory_ / "checkpoints.json", index.substr(0, size));
    expect_the_same_list();
  }
  for (const char* text : {"[]", "null", "{}", "[[[[", "{\"format\": 3}",
                           R"({"format":"torchkeep.checkpoints","version":1})"}) {
    testing::write_content(directory_ / "checkpoints.json", text);
    expect_the_same_list();
  }
}

TEST_F(CheckpointIndexTest, OfANewerVersionIsNotTrusted) {
  std::string index = testing::file_content(directory_ / "checkpoints.json");
  index.replace(index.find("\"version\": 1"), 12, "\"version\": 2");
  testing::write_content(directory_ / "checkpoints.json", index);
  expect_the_same_list();
}

TEST_F(CheckpointIndexTest, CannotNameAFileOutsideItsDirectory) {
  const std::string index = testing::file_content(directory_ / "checkpoints.json");
  for (const char* name : {"../0.pt", "/0.pt", "..", "a/../0.pt", ""}) {
    std::string evil = index;
    evil.replace(evil.find("\"0.pt\""), 6, std::string("\"") + name + "\"");
    testing::write_content(directory_ / "checkpoints.json", evil);
    expect_the_same_list();
  }
}

TEST_F(CheckpointIndexTest, FollowsTheFilesWhereItIsOutOfDate) {
  fs::remove(directory_ / "0.pt");
  EXPECT_THAT(epochs(list_checkpoints(directory_.path())), ElementsAre(1, 2));
  torchkeep::save(checkpoint_of(9), directory_ / "other.pt");
  EXPECT_THAT(epochs(list_checkpoints(directory_.path())), ElementsAre(9, 1, 2));
}

TEST_F(CheckpointIndexTest, MovesWithItsDirectory) {
  const fs::path moved = directory_ / "elsewhere";
  fs::create_directory(moved);
  for (const char* name : {"0.pt", "1.pt", "2.pt", "checkpoints.json"}) {
    fs::rename(directory_ / name, moved / name);
  }
  EXPECT_EQ(best_checkpoint(moved)->path, moved / "1.pt");
}

TEST_F(CheckpointIndexTest, AMissingDirectoryIsNotFound) {
  EXPECT_ERROR(list_checkpoints(directory_ / "nowhere"), ErrorCode::not_found,
               HasSubstr("nowhere"));
  EXPECT_THAT(list_checkpoints(directory_.path() / "."), Not(IsEmpty()));
}

TEST_F(CheckpointIndexTest, TheNewestCheckpointThatLoadsIsFound) {
  EXPECT_EQ(load_last_checkpoint(directory_.path()).info.epoch, 2);
  std::string damaged = testing::file_content(directory_ / "2.pt");
  const std::size_t weight = damaged.find(std::string("\0\0\x80\x3f", 4));
  ASSERT_NE(weight, std::string::npos);
  damaged[weight] = 1;
  testing::write_content(directory_ / "2.pt", damaged);
  testing::write_content(directory_ / "1.pt",
                         testing::file_content(directory_ / "1.pt").substr(0, 100));
  const FoundCheckpoint found = load_last_checkpoint(directory_.path());
  EXPECT_EQ(found.info.epoch, 0);
  EXPECT_EQ(found.value["epoch"].as_int(), 0);
  ASSERT_EQ(found.skipped.size(), 2U);
  EXPECT_THAT(found.skipped[0].what(), HasSubstr("1.pt"));
  EXPECT_THAT(found.skipped[1].what(), HasSubstr("2.pt"));
}

TEST_F(CheckpointIndexTest, SaysWhyNoCheckpointLoads) {
  for (const char* name : {"0.pt", "1.pt", "2.pt"})
    testing::write_content(directory_ / name, "nonsense");
  EXPECT_ERROR(load_last_checkpoint(directory_.path()), ErrorCode::not_found,
               AllOf(HasSubstr("no checkpoint that loads"), HasSubstr("0.pt"), HasSubstr("2.pt")));
}

}  // namespace
}  // namespace torchkeep
