#include <algorithm>

#include <torchkeep/dict.h>
#include <torchkeep/preprocessing.h>

#include <fmt/ranges.h>

#include "base/fail.h"

namespace torchkeep {

namespace preprocessing_detail {

constexpr int kMaxSide = 32768;

Value list_of(const std::vector<double>& numbers) {
  return Value(List(numbers.begin(), numbers.end()));
}

std::vector<double> numbers_in(const Value& value) {
  std::vector<double> numbers;
  for (const Value& item : value.items()) numbers.push_back(item.as_double());
  return numbers;
}

int size_in(const Value& value) {
  return static_cast<int>(std::clamp<std::int64_t>(value.as_int(), -1, kMaxSide + 1));
}

void check_size(const char* what, int size) {
  if (size >= 0 && size <= kMaxSide) return;
  fail(ErrorCode::invalid_argument, "the size of a {} is {} pixels (expected 0 to {})", what, size,
       kMaxSide);
}

// One of two names; throws mismatch.
bool is_second(const Value& value, const char* first, const char* second) {
  if (value.as_string() == second) return true;
  if (value.as_string() == first) return false;
  fail(ErrorCode::mismatch, "\"{}\" is unknown (expected \"{}\" or \"{}\")", value.as_string(),
       first, second);
}

const char* name(Interpolation interpolation) {
  return interpolation == Interpolation::bicubic ? "bicubic" : "bilinear";
}

}  // namespace preprocessing_detail

std::string to_string(const Preprocessing& preprocessing) {
  std::string text;
  if (preprocessing.resize > 0) text += fmt::format("resize {}, ", preprocessing.resize);
  if (preprocessing.crop > 0) text += fmt::format("crop {}, ", preprocessing.crop);
  if (preprocessing.resize > 0) {
    text += fmt::format("{}, ", preprocessing_detail::name(preprocessing.interpolation));
  }
  return text + fmt::format("mean {}, std {}", fmt::join(preprocessing.normalisation.mean, " "),
                            fmt::join(preprocessing.normalisation.std, " "));
}

Value to_value(const Preprocessing& preprocessing) {
  namespace detail = preprocessing_detail;
  const bool turns = preprocessing.orientation == Orientation::from_exif;
  const bool reduces = preprocessing.jpeg_scale == JpegScale::reduced;
  return dict({{"resize", std::int64_t{preprocessing.resize}},
               {"crop", std::int64_t{preprocessing.crop}},
               {"interpolation", detail::name(preprocessing.interpolation)},
               {"mean", detail::list_of(preprocessing.normalisation.mean)},
               {"std", detail::list_of(preprocessing.normalisation.std)},
               {"channels", std::int64_t{preprocessing.channels}},
               {"orientation", turns ? "from_exif" : "as_stored"},
               {"jpeg_scale", reduces ? "reduced" : "full"}});
}

Preprocessing preprocessing_from_value(const Value& value) {
  namespace detail = preprocessing_detail;
  Preprocessing preprocessing{
      .resize = detail::size_in(value["resize"]),
      .crop = detail::size_in(value["crop"]),
      .normalisation = {detail::numbers_in(value["mean"]), detail::numbers_in(value["std"])},
      .channels = detail::size_in(value["channels"])};
  if (detail::is_second(value["interpolation"], "bilinear", "bicubic")) {
    preprocessing.interpolation = Interpolation::bicubic;
  }
  if (detail::is_second(value["orientation"], "as_stored", "from_exif")) {
    preprocessing.orientation = Orientation::from_exif;
  }
  if (detail::is_second(value["jpeg_scale"], "full", "reduced")) {
    preprocessing.jpeg_scale = JpegScale::reduced;
  }
  check(preprocessing);
  return preprocessing;
}

void check(const Preprocessing& preprocessing) {
  namespace detail = preprocessing_detail;
  detail::check_size("resize", preprocessing.resize);
  detail::check_size("crop", preprocessing.crop);
  if (preprocessing.channels != 0 && preprocessing.channels != 1 && preprocessing.channels != 3) {
    fail(ErrorCode::invalid_argument, "a preprocessing gives {} channels (expected 1 or 3)",
         preprocessing.channels);
  }
  const Normalisation& normalisation = preprocessing.normalisation;
  if (normalisation.mean.empty() || normalisation.mean.size() != normalisation.std.size()) {
    fail(ErrorCode::invalid_argument,
         "a normalisation has {} means and {} standard deviations (expected as many of both)",
         normalisation.mean.size(), normalisation.std.size());
  }
  for (const double std : normalisation.std) {
    if (std > 0.0) continue;
    fail(ErrorCode::invalid_argument, "the standard deviation is {} (expected more than 0)", std);
  }
}

}  // namespace torchkeep
