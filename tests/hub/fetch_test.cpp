// What needs a server is tested in tests/interop/hub_test.py.
#include <cstdlib>
#include <fstream>

#include <torchkeep/error.h>
#include <torchkeep/hub.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* kHello = "2cf24dba";  // how the SHA-256 of "hello" begins
constexpr const char* kNowhere = "http://127.0.0.1:1/file.pth";

// An environment variable for the lifetime of this; none if the value is null.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    set(value);
  }
  ~Environment() { set(before_ ? before_->c_str() : nullptr); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  void set(const char* value) const {
    if (value) {
      ::setenv(name_, value, 1);
    } else {
      ::unsetenv(name_);
    }
  }

  const char* name_;
  std::optional<std::string> before_;
};

void write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

TEST(WeightsDirectory, IsThatOfTorchHub) {
  const Environment home("HOME", "/home/me");
  const Environment cache("XDG_CACHE_HOME", nullptr);
  const Environment torch_home("TORCH_HOME", nullptr);
  EXPECT_EQ(weights_directory(), "/home/me/.cache/torch/hub/checkpoints");
  const Environment other_cache("XDG_CACHE_HOME", "/var/cache");
  EXPECT_EQ(weights_directory(), "/var/cache/torch/hub/checkpoints");
  const Environment other_home("TORCH_HOME", "~/torch");
  EXPECT_EQ(weights_directory(), "/home/me/torch/hub/checkpoints");
}

TEST(FetchFile, TakesAVerifiedFileWithoutANetwork) {
  const testing::TemporaryDirectory directory;
  write(directory / "file.pth", "hello");
  fetch_file(kNowhere, directory / "file.pth", kHello, {.network = DownloadOptions::Network::off});
}

TEST(FetchFile, SaysWhereToPutAFileWhenTheNetworkIsOff) {
  const testing::TemporaryDirectory directory;
  const auto path = directory / "file.pth";
  EXPECT_ERROR(fetch_file(kNowhere, path, kHello, {.network = DownloadOptions::Network::off}),
               ErrorCode::not_found,
               AllOf(HasSubstr(path.string()), HasSubstr("is not in the cache"),
                     HasSubstr(std::string("put ") + kNowhere + " there")));
  write(path, "hullo");
  EXPECT_ERROR(fetch_file(kNowhere, path, kHello, {.network = DownloadOptions::Network::off}),
               ErrorCode::corrupt, HasSubstr("the file is damaged"));
  const Environment offline("TORCHKEEP_OFFLINE", "1");
  EXPECT_ERROR(fetch_weights(published_weights("vgg16", "DEFAULT")), ErrorCode::not_found,
               HasSubstr("the network is off"));
}

TEST(FetchFile, SaysThatNobodyAnswers) {
  const testing::TemporaryDirectory directory;
  EXPECT_ERROR(fetch_file(kNowhere, directory / "file.pth", kHello,
                          {.network = DownloadOptions::Network::on, .attempts = 1}),
               ErrorCode::io, HasSubstr("cannot download http://127.0.0.1:1/file.pth"));
  EXPECT_ERROR(fetch_file("file:///etc/hostname", directory / "file.pth", "",
                          {.network = DownloadOptions::Network::on, .attempts = 1}),
               ErrorCode::io, HasSubstr("cannot download file:///etc/hostname"));
}

}  // namespace
}  // namespace torchkeep
