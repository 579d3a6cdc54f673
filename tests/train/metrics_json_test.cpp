#include "train/metrics_json.h"

#include <cmath>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/expect_error.h"

namespace torchkeep {
namespace {

using ::testing::HasSubstr;

TEST(MetricsJson, KeepsEveryBitOfANumber) {
  const Metrics metrics{{"a", 0.1}, {"b", 1.0 / 3.0}, {"c", 5e-324}, {"d", -0.0}, {"e", 1e300}};
  const Metrics back = metrics_from_json(nlohmann::json::parse(to_json(metrics).dump()));
  EXPECT_EQ(back, metrics);
  EXPECT_TRUE(std::signbit(back.at("d")));
}

TEST(MetricsJson, NonFiniteNumbersAreStrings) {
  const Metrics metrics{{"a", NAN}, {"b", INFINITY}, {"c", -INFINITY}};
  const std::string text = to_json(metrics).dump();
  EXPECT_EQ(text, R"({"a":"NaN","b":"Infinity","c":"-Infinity"})");
  const Metrics back = metrics_from_json(nlohmann::json::parse(text));
  EXPECT_TRUE(std::isnan(back.at("a")));
  EXPECT_EQ(back.at("b"), INFINITY);
  EXPECT_EQ(back.at("c"), -INFINITY);
}

TEST(MetricsJson, RefusesWhatIsNoMetric) {
  EXPECT_ERROR(metrics_from_json(nlohmann::json::array()), ErrorCode::corrupt, HasSubstr("object"));
  EXPECT_ERROR(metrics_from_json({{"loss", "low"}}), ErrorCode::corrupt, HasSubstr("loss"));
  EXPECT_ERROR(metrics_from_json({{"loss", nullptr}}), ErrorCode::corrupt, HasSubstr("loss"));
}

}  // namespace
}  // namespace torchkeep
