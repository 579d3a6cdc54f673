#include <fstream>
#include <limits>

#include <torchkeep/average.h>
#include <torchkeep/cast.h>
#include <torchkeep/load.h>
#include <torchkeep/match.h>
#include <torchkeep/save.h>

#include <gmock/gmock.h>

#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AverageTest : public ::testing::Test {
 protected:
  std::filesystem::path saved(const Value& value) {
    const auto path = directory_ / (std::to_string(count_++) + ".pt");
    save(value, path, {.durability = Durability::cached});
    return path;
  }

  testing::TemporaryDirectory directory_;
  int count_ = 0;
};

Tensor floats(std::initializer_list<float> values) {
  return Tensor::of(values, {static_cast<std::int64_t>(values.size())});
}

std::vector<double> numbers(const Value& value) {
  std::vector<double> all;
  const Tensor& tensor = value.as_tensor();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) all.push_back(tensor.item_as_double(i));
  return all;
}

TEST_F(AverageTest, IsTheMeanOfEachElement) {
  const Average result =
      average({saved(dict({{"w", floats({1, 10})}})), saved(dict({{"w", floats({2, 20})}})),
               saved(dict({{"w", floats({6, 30})}}))});
  EXPECT_THAT(numbers(result.value["w"]), ElementsAre(3, 20));
  EXPECT_EQ(result.averaged, 1U);
  EXPECT_EQ(result.key, "");
}

TEST_F(AverageTest, SumsInFloat64) {
  // In float32 the sum of the first two would lose the 1.
  const Average result =
      average({saved(dict({{"w", floats({16777216})}})), saved(dict({{"w", floats({1})}})),
               saved(dict({{"w", floats({-16777216})}})), saved(dict({{"w", floats({0})}}))});
  EXPECT_THAT(numbers(result.value["w"]), ElementsAre(0.25));
}

TEST_F(AverageTest, WeighsFiles) {
  const std::vector<std::filesystem::path> paths = {saved(dict({{"w", floats({1})}})),
                                                    saved(dict({{"w", floats({5})}}))};
  EXPECT_THAT(numbers(average(paths, {.weights = {3, 1}}).value["w"]), ElementsAre(2));
  EXPECT_THAT(numbers(average(paths, {.weights = {0, 2}}).value["w"]), ElementsAre(5));
  for (const auto& weights : std::vector<std::vector<double>>{
           {1}, {0, 0}, {1, -1}, {1, std::numeric_limits<double>::infinity()}}) {
    EXPECT_ERROR(average(paths, {.weights = weights}), ErrorCode::invalid_argument,
                 HasSubstr("weights"));
  }
  EXPECT_ERROR(average({}), ErrorCode::invalid_argument, HasSubstr("no files"));
}

TEST_F(AverageTest, KeepsIntegersOfTheLastFile) {
  const Average result = average({saved(dict({{"n", Tensor::scalar<std::int64_t>(10)}})),
                                  saved(dict({{"n", Tensor::scalar<std::int64_t>(20)}}))});
  EXPECT_EQ(result.value["n"].as_int(), 20);
  EXPECT_THAT(result.kept, ElementsAre("n"));
}

TEST_F(AverageTest, TakesTheRestOfACheckpointFromTheLastFile) {
  const auto checkpoint = [](float weight, int epoch) {
    Dict model(Dict::Type::ordered);
    model.set("w", floats({weight}));
    model.set_attributes(dict({{"_metadata", epoch}}));
    return dict({{"epoch", epoch}, {"model_state_dict", std::move(model)}});
  };
  const Average result = average({saved(checkpoint(1, 1)), saved(checkpoint(3, 2))});
  EXPECT_EQ(result.key, "model_state_dict");
  EXPECT_EQ(result.value["epoch"].as_int(), 2);
  EXPECT_THAT(numbers(result.value["model_state_dict"]["w"]), ElementsAre(2));
  EXPECT_EQ(result.value["model_state_dict"].as_dict().type(), Dict::Type::ordered);
  EXPECT_EQ(result.value["model_state_dict"].as_dict().attributes()["_metadata"].as_int(), 2);
}

TEST_F(AverageTest, FollowsAKey) {
  const auto nested = [](float weight) {
    return dict({{"a", dict({{"b", dict({{"w", floats({weight})}})}})}});
  };
  const std::vector<std::filesystem::path> paths = {saved(nested(1)), saved(nested(2))};
  EXPECT_THAT(numbers(average(paths, {.key = "a.b"}).value["a"]["b"]["w"]), ElementsAre(1.5));
  EXPECT_ERROR(average(paths), ErrorCode::not_found, HasSubstr("1.pt: there is no state dict"));
  EXPECT_ERROR(average(paths, {.key = "a.c"}), ErrorCode::not_found, HasSubstr("'a.c'"));
}

TEST_F(AverageTest, RefusesOtherForms) {
  const std::vector<std::filesystem::path> paths = {saved(dict({{"w", floats({1, 2})}})),
                                                    saved(dict({{"w", floats({1})}}))};
  try {
    average(paths);
    FAIL() << "no error was thrown";
  } catch (const MismatchError& error) {
    EXPECT_EQ(error.report().mismatched_keys.at(0).name, "w");
    EXPECT_THAT(error.what(), HasSubstr("0.pt"));
  }
}

TEST_F(AverageTest, RoundsToTheTypeOfTheLastFile) {
  const auto half = [](float value) {
    return dict({{"w", cast(floats({value}), DType::float16)}});
  };
  const Average result = average({saved(half(1)), saved(half(1.0009765625F))});
  EXPECT_EQ(result.value["w"].as_tensor().dtype(), DType::float16);
  EXPECT_THAT(numbers(result.value["w"]), ElementsAre(1));  // a tie, to even
}

TEST_F(AverageTest, AveragesBothPartsOfComplexNumbers) {
  const auto complex = [](float re, float im) {
    return dict({{"z", Tensor(floats({re, im}).storage(), DType::complex64, {1})}});
  };
  const Value z = average({saved(complex(1, 2)), saved(complex(3, 6))}).value["z"];
  const Tensor parts(z.as_tensor().storage(), DType::float32, {2});
  EXPECT_THAT(numbers(parts), ElementsAre(2, 4));
}

TEST_F(AverageTest, KeepsSharedMemoryAndStrides) {
  const auto tied = [](float first) {
    const Tensor base = floats({first, 2, 3, 4, 5, 6});
    return dict({{"a", Tensor(base.storage(), DType::float32, {2, 3})},
                 {"t", Tensor(base.storage(), DType::float32, {3, 2}, {1, 3})}});
  };
  const Value value = average({saved(tied(1)), saved(tied(3))}).value;
  const Tensor& a = value["a"].as_tensor();
  const Tensor& t = value["t"].as_tensor();
  EXPECT_TRUE(a.storage().shares_memory_with(t.storage()));
  EXPECT_EQ(t.strides(), (Shape{1, 3}));
  EXPECT_THAT(numbers(value["t"]), ElementsAre(2, 4, 2, 5, 3, 6));
}

TEST_F(AverageTest, ReadsLargeTensorsWithSeveralThreads) {
  const auto filled = [](float value) {
    const std::vector<float> values(100'003, value);
    return dict({{"w", Tensor::of(std::span<const float>(values), {100'003})}});
  };
  const Value mean = average({saved(filled(1)), saved(filled(2))}, {.threads = 3}).value["w"];
  for (const double number : numbers(mean)) ASSERT_EQ(number, 1.5);
}

TEST_F(AverageTest, ComparesChecksums) {
  const auto path = saved(dict({{"w", floats({1, 2, 3, 4})}}));
  std::string bytes;
  {
    std::ifstream in(path, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  const char pattern[] = "\0\0\x80\x3f\0\0\0\x40";
  bytes.at(bytes.find(std::string(pattern, 8))) ^= 1;
  std::ofstream(path, std::ios::binary) << bytes;
  EXPECT_ERROR(average({path, path}), ErrorCode::corrupt, HasSubstr("data/0"));
}

}  // namespace
}  // namespace torchkeep
