#include "format/file_reference.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/temporary_directory.h"
#include "support/test_file.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using State = FollowedReference::State;

constexpr const char* kSha256OfAbc =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

class FileReferenceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(run_);
    fs::create_directories(directory_ / "pretrained");
    testing::write_content(base_, "abc");
    reference_ = refer_to(base_, run_);
  }

  testing::TemporaryDirectory directory_;
  fs::path run_ = directory_ / "runs" / "first";
  fs::path base_ = directory_ / "pretrained" / "base.pt";
  FileReference reference_;
};

TEST_F(FileReferenceTest, IsFollowedFromAFolderBelowTheDirectory) {
  const FollowedReference followed = follow(reference_, run_ / "trash", Comparison::size);
  EXPECT_EQ(followed.state, State::unchanged);
  EXPECT_TRUE(fs::equivalent(followed.path, base_));
  testing::write_content(base_, "abd");
  EXPECT_EQ(follow(reference_, run_ / "trash", Comparison::size).state, State::missing);
}

TEST_F(FileReferenceTest, NamesTheFileFromADirectoryThatIsYetToBeMade) {
  const fs::path directory = "no_such_directory/of_a_run";
  const fs::path path = relative_path(base_, directory);
  EXPECT_TRUE(path.is_relative()) << path;
  EXPECT_EQ((fs::absolute(directory) / path).lexically_normal(), fs::canonical(base_));
}

TEST_F(FileReferenceTest, NamesTheFileFromTheDirectory) {
  EXPECT_EQ(reference_.path, "../../pretrained/base.pt");
  EXPECT_EQ(reference_.bytes, 3U);
  EXPECT_EQ(reference_.sha256, kSha256OfAbc);
  EXPECT_ERROR(refer_to(directory_ / "nothing.pt", run_), ErrorCode::not_found,
               HasSubstr("nothing.pt"));
}

TEST_F(FileReferenceTest, AValueBringsItBack) {
  const FileReference again = file_reference_from_value(to_value(reference_));
  EXPECT_EQ(again.path, reference_.path);
  EXPECT_EQ(again.bytes, reference_.bytes);
  EXPECT_EQ(again.sha256, reference_.sha256);
}

TEST_F(FileReferenceTest, WhatIsNoReferenceIsRefused) {
  for (const std::string& path :
       {std::string("/etc/passwd"), std::string(), std::string("a/"), std::string("a\0b", 3)}) {
    const Value value = dict({{"path", path}, {"bytes", 3}, {"sha256", kSha256OfAbc}});
    EXPECT_ERROR(file_reference_from_value(value), ErrorCode::corrupt, HasSubstr("relative path"));
  }
  EXPECT_ERROR(file_reference_from_value(dict({{"path", "a"}, {"bytes", 3}, {"sha256", "12"}})),
               ErrorCode::corrupt, HasSubstr("SHA-256"));
  EXPECT_ERROR(file_reference_from_value(dict({{"path", "a"}})), ErrorCode::not_found,
               HasSubstr("bytes"));
}

TEST_F(FileReferenceTest, IsFollowedAndCompared) {
  EXPECT_EQ(follow(reference_, run_, Comparison::sha256).state, State::unchanged);
  EXPECT_TRUE(fs::equivalent(follow(reference_, run_, Comparison::sha256).path, base_));
  testing::write_content(base_, "abd");
  EXPECT_EQ(follow(reference_, run_, Comparison::sha256).state, State::changed);
  EXPECT_EQ(follow(reference_, run_, Comparison::size).state, State::unchanged);
  testing::write_content(base_, "abcd");
  EXPECT_EQ(follow(reference_, run_, Comparison::size).state, State::changed);
  fs::remove(base_);
  EXPECT_EQ(follow(reference_, run_, Comparison::size).state, State::missing);
}

TEST_F(FileReferenceTest, MovesWithTheDirectories) {
  fs::rename(directory_ / "runs", directory_ / "moved");
  EXPECT_EQ(follow(reference_, directory_ / "moved" / "first", Comparison::sha256).state,
            State::unchanged);
}

TEST_F(FileReferenceTest, IsAlsoLookedForBesideWhoNamesIt) {
  fs::rename(base_, run_ / "base.pt");
  EXPECT_EQ(follow(reference_, run_, Comparison::size).path, run_ / "base.pt");
  testing::write_content(run_ / "base.pt", "abd");
  EXPECT_EQ(follow(reference_, run_, Comparison::size).state, State::missing);
}

TEST_F(FileReferenceTest, ADirectoryOrPipeIsMissing) {
  fs::remove(base_);
  fs::create_directory(base_);
  EXPECT_EQ(follow(reference_, run_, Comparison::sha256).state, State::missing);
}

}  // namespace
}  // namespace torchkeep
