#include <filesystem>
#include <string>
#include <vector>

#include <torchkeep/delta.h>
#include <torchkeep/inspect.h>
#include <torchkeep/load.h>
#include <torchkeep/verify.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "format/file_reference.h"
#include "format/load_file.h"
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
using ::testing::SizeIs;

Tensor numbers(std::size_t count, float first) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = first + static_cast<float>(i);
  return Tensor::of<float>(values, {static_cast<std::int64_t>(count)});
}

constexpr std::size_t kLarge = 50'000;

// Weights in one directory, and a run beside it whose model has another head.
class DeltaTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(directory_ / "pretrained");
    fs::create_directory(run_);
    save(ordered_dict({{"features", numbers(kLarge, 1)}, {"head", numbers(10, 5)}}), base_);
    save_delta(checkpoint(), delta_);
  }

  static Value checkpoint() {
    Value model = ordered_dict({{"head", numbers(10, 7)},
                                {"features", numbers(kLarge, 1)},
                                {"count", Tensor::scalar<std::int64_t>(3)}});
    model.as_dict().set_attributes(dict({{"_metadata", dict({{"", dict({{"version", 1}})}})}}));
    return dict({{"epoch", 4},
                 {"model_state_dict", model},
                 {"ema_state_dict", ordered_dict({{"features", numbers(kLarge, 1)}})},
                 {"loss", 0.5}});
  }

  void save_delta(const Value& value, const fs::path& path) const {
    save(DeltaBase(base_).subtract(value, path.parent_path()), path,
         {.manifest = Manifest::sha256});
  }

  static Value as_stored(const fs::path& path) {
    return load_file(path, {}, Deltas::as_stored).content.value;
  }

  static std::vector<std::string> keys(const Value& value) {
    std::vector<std::string> result;
    for (const auto& [key, item] : value.as_dict()) result.push_back(key.as_string());
    return result;
  }

  // The delta with another note.
  void spoil(const std::string& key, const Value& value) const {
    const Value stored = as_stored(delta_);
    stored["torchkeep_delta"].as_dict().set(key, value);
    save(stored, delta_);
  }

  testing::TemporaryDirectory directory_;
  fs::path base_ = directory_ / "pretrained" / "weights.pt";
  fs::path run_ = directory_ / "run";
  fs::path delta_ = run_ / "4.pt";
};

TEST_F(DeltaTest, StoresOnlyWhatDiffers) {
  const Value stored = as_stored(delta_);
  EXPECT_THAT(keys(stored["model_state_dict"]), ElementsAre("head", "count"));
  EXPECT_THAT(keys(stored["ema_state_dict"]), IsEmpty());
  EXPECT_EQ(stored["torchkeep_delta"]["base"]["path"].as_string(), "../pretrained/weights.pt");
  EXPECT_LT(fs::file_size(delta_), 10'000U);
  EXPECT_GT(fs::file_size(base_), kLarge * sizeof(float));
}

TEST_F(DeltaTest, LoadingCompletesItFromItsBase) {
  for (const Access access : {Access::read, Access::map}) {
    EXPECT_TRUE(equal(load(delta_, {.access = access}), checkpoint()));
  }
  EXPECT_TRUE(equal(load(delta_)["model_state_dict"].as_dict().attributes(),
                    checkpoint()["model_state_dict"].as_dict().attributes()));
}

TEST_F(DeltaTest, WhatIsNotEqualIsStored) {
  const auto stored_keys = [&](const Tensor& features) {
    const Value value = dict({{"model_state_dict", ordered_dict({{"features", features}})}});
    return DeltaBase(base_).subtract(value, run_)["model_state_dict"].size();
  };
  EXPECT_EQ(stored_keys(numbers(kLarge, 1)), 0U);
  Tensor other = numbers(kLarge, 1);
  other.storage().mutable_bytes()[77] ^= std::byte{1};
  EXPECT_EQ(stored_keys(other), 1U);
  EXPECT_EQ(stored_keys(numbers(kLarge - 1, 1)), 1U);
  Tensor parameter = numbers(kLarge, 1);
  parameter.set_is_parameter(true);
  EXPECT_EQ(stored_keys(parameter), 1U);
}

TEST_F(DeltaTest, TensorsThatShareMemoryAreStored) {
  const Tensor tied = numbers(kLarge, 1);
  const Value value =
      dict({{"model_state_dict", ordered_dict({{"features", tied}, {"head", tied}})}});
  EXPECT_EQ(DeltaBase(base_).subtract(value, run_).identity(), value.identity());
}

TEST_F(DeltaTest, ACheckpointWithoutEqualTensorsStaysAsItIs) {
  const Value value = dict({{"epoch", 1}, {"model_state_dict", dict({{"x", numbers(3, 1)}})}});
  EXPECT_EQ(DeltaBase(base_).subtract(value, run_).identity(), value.identity());
}

TEST_F(DeltaTest, ACheckpointCanBeTheBase) {
  const fs::path first = run_ / "first.pt";
  save(checkpoint(), first);
  const Value delta = DeltaBase(first).subtract(checkpoint(), run_);
  EXPECT_THAT(keys(delta["model_state_dict"]), IsEmpty());
  save(delta, run_ / "second.pt");
  EXPECT_TRUE(equal(load(run_ / "second.pt"), checkpoint()));
}

TEST_F(DeltaTest, MovesWithItsBase) {
  fs::create_directory(directory_ / "moved");
  fs::rename(directory_ / "pretrained", directory_ / "moved" / "pretrained");
  fs::rename(run_, directory_ / "moved" / "run");
  EXPECT_TRUE(equal(load(directory_ / "moved" / "run" / "4.pt"), checkpoint()));
  fs::rename(directory_ / "moved" / "pretrained" / "weights.pt",
             directory_ / "moved" / "run" / "weights.pt");
  EXPECT_TRUE(equal(load(directory_ / "moved" / "run" / "4.pt"), checkpoint()));
}

TEST_F(DeltaTest, AMissingBaseIsNamed) {
  fs::remove(base_);
  EXPECT_ERROR(load(delta_), ErrorCode::not_found,
               AllOf(HasSubstr("4.pt"), HasSubstr("weights.pt is missing"), HasSubstr("SHA-256")));
  EXPECT_EQ(inspect(delta_).delta->state, DeltaInfo::State::missing);
  EXPECT_EQ(verify(delta_).verdict(), VerifyReport::Verdict::damaged);
}

TEST_F(DeltaTest, AChangedBaseIsRefused) {
  std::string content = testing::file_content(base_);
  content[content.size() / 2] ^= 1;
  testing::write_content(base_, content);
  EXPECT_ERROR(load(delta_), ErrorCode::corrupt, HasSubstr("not the file that it was made with"));
  EXPECT_ERROR(load(delta_, {.access = Access::map, .verify = Verify::everything}),
               ErrorCode::corrupt, HasSubstr("not the file"));
  EXPECT_THAT(verify(delta_).damages, SizeIs(1));
  testing::write_content(base_, content + "x");
  EXPECT_ERROR(load(delta_, {.access = Access::map}), ErrorCode::corrupt,
               HasSubstr("not the file"));
}

TEST_F(DeltaTest, ADeltaIsNoBase) {
  EXPECT_ERROR(DeltaBase{delta_}, ErrorCode::invalid_argument,
               AllOf(HasSubstr("4.pt"), HasSubstr("materialize")));
  // A chain of deltas, and with it every circle, ends at its second file.
  const Value chained = dict(
      {{"model_state_dict", dict({})}, {"torchkeep_delta", as_stored(delta_)["torchkeep_delta"]}});
  chained["torchkeep_delta"].as_dict().set("base", to_value(refer_to(delta_, run_)));
  save(chained, run_ / "5.pt");
  EXPECT_ERROR(load(run_ / "5.pt"), ErrorCode::invalid_argument, HasSubstr("delta itself"));
}

TEST_F(DeltaTest, ABaseNeedsAStateDict) {
  save(dict({{"epoch", 1}}), base_);
  EXPECT_ERROR(DeltaBase{base_}, ErrorCode::invalid_argument, HasSubstr("no state dict"));
}

TEST_F(DeltaTest, HostileNotesAreErrors) {
  const Value good = as_stored(delta_)["torchkeep_delta"];
  const auto part = [](const Value& names) {
    return dict({{"model_state_dict", dict({{"base_key", ""}, {"names", names}})}});
  };
  spoil("state_dicts", part(list({"head", "count", "nothing"})));
  EXPECT_ERROR(load(delta_), ErrorCode::corrupt, HasSubstr("nothing"));
  spoil("state_dicts", part(list({"head"})));
  EXPECT_ERROR(load(delta_), ErrorCode::corrupt, HasSubstr("names of the tensors"));
  spoil("state_dicts", part(list({"head", "count", "head"})));
  EXPECT_ERROR(load(delta_), ErrorCode::corrupt, HasSubstr("names of the tensors"));
  spoil("state_dicts", part(list({"head", 3, "count"})));
  EXPECT_ERROR(load(delta_), ErrorCode::mismatch, HasSubstr("expected str"));
  spoil("state_dicts", dict({{"absent", dict({{"base_key", ""}, {"names", list({})}})}}));
  EXPECT_ERROR(load(delta_), ErrorCode::not_found, HasSubstr("absent"));
  spoil("state_dicts",
        dict({{"model_state_dict", dict({{"base_key", "elsewhere"}, {"names", list({"head"})}})}}));
  EXPECT_ERROR(load(delta_), ErrorCode::not_found, HasSubstr("elsewhere"));
  spoil("version", 2);
  EXPECT_ERROR(load(delta_), ErrorCode::unsupported, HasSubstr("version 2"));
  spoil("version", 1);
  spoil("base", dict({{"path", "/dev/zero"}, {"bytes", 1}, {"sha256", std::string(64, '0')}}));
  EXPECT_ERROR(load(delta_), ErrorCode::corrupt, HasSubstr("no relative path"));
  spoil("base", dict({{"path", "4.pt"}, {"bytes", 1}, {"sha256", std::string(64, '0')}}));
  EXPECT_ERROR(load(delta_), ErrorCode::corrupt, HasSubstr("not the file"));
}

TEST_F(DeltaTest, ToolsSayWhatItIs) {
  const Summary summary = inspect(delta_);
  ASSERT_TRUE(summary.delta.has_value());
  EXPECT_EQ(summary.delta->tensors, 2U);
  EXPECT_THAT(to_string(summary), HasSubstr("a delta: 2 tensors more are in"));
  EXPECT_THAT(to_json(summary), HasSubstr("\"state\": \"unchanged\""));
  const VerifyReport report = verify(delta_);
  EXPECT_EQ(report.verdict(), VerifyReport::Verdict::ok);
  EXPECT_TRUE(fs::equivalent(report.base, base_));
}

TEST_F(DeltaTest, MaterializeWritesAFileThatNeedsNoBase) {
  materialize(delta_, run_ / "whole.pt");
  fs::remove(base_);
  EXPECT_TRUE(equal(load(run_ / "whole.pt"), checkpoint()));
  EXPECT_FALSE(inspect(run_ / "whole.pt").delta.has_value());
}

}  // namespace
}  // namespace torchkeep
