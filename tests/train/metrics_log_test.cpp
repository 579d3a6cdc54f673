#include "train/metrics_log.h"

#include <cmath>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/failing_file_operations.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

using ::testing::HasSubstr;

class MetricsLogTest : public ::testing::Test {
 protected:
  std::string content() const {
    std::stringstream text;
    text << std::ifstream(path_).rdbuf();
    return text.str();
  }

  testing::TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_ / "metrics.jsonl";
};

TEST_F(MetricsLogTest, WritesALineForEachEpoch) {
  MetricsLog log(path_, 0);
  log.append(0, 10, {{"val_loss", 0.5}, {"train_loss", 0.25}});
  log.append(1, 20, {{"val_loss", NAN}});
  EXPECT_EQ(content(),
            "{\"epoch\":0,\"step\":10,\"train_loss\":0.25,\"val_loss\":0.5}\n"
            "{\"epoch\":1,\"step\":20,\"val_loss\":\"NaN\"}\n");
}

TEST_F(MetricsLogTest, DropsTheEpochsThatAreTrainedAgain) {
  MetricsLog log(path_, 0);
  for (int epoch = 0; epoch < 4; ++epoch) log.append(epoch, epoch, {});
  const MetricsLog again(path_, 2);
  EXPECT_EQ(content(), "{\"epoch\":0,\"step\":0}\n{\"epoch\":1,\"step\":1}\n");
}

TEST_F(MetricsLogTest, DropsALineThatWasCutOff) {
  std::ofstream(path_) << "{\"epoch\":0,\"step\":0}\n{\"epoch\":1,\"st";
  MetricsLog log(path_, 5);
  log.append(1, 1, {});
  EXPECT_EQ(content(), "{\"epoch\":0,\"step\":0}\n{\"epoch\":1,\"step\":1}\n");
}

TEST_F(MetricsLogTest, AFailedWriteIsAnError) {
  MetricsLog log(path_, 0);
  for (const std::size_t call : {0U, 1U, 2U}) {
    const testing::FailingFileOperations operations(call);
    EXPECT_ERROR(log.append(0, 0, {}), ErrorCode::io, HasSubstr(path_.string()));
  }
}

}  // namespace
}  // namespace torchkeep
