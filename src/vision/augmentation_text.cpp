#include <charconv>
#include <functional>
#include <map>
#include <string_view>

#include <torchkeep/augmentation.h>

#include "base/fail.h"
#include "base/similar.h"

namespace torchkeep {
namespace augmentation_text_detail {

double parse_number(std::string_view text, std::string_view whole) {
  double number = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  fail(ErrorCode::invalid_argument, "\"{}\" is no augmentation (expected such as flip=0.5)", whole);
}

// An augmentation by name: what it is without a number, and what it sets.
struct Word {
  double usual;
  std::function<void(Augmentation&, double)> set;
};

void set_jitter(Augmentation& augmentation, double strength) {
  augmentation.colour_jitter = {
      .brightness = strength, .contrast = strength, .saturation = strength, .hue = strength / 4};
}

const std::map<std::string_view, Word>& words() {
  using A = Augmentation;
  static const std::map<std::string_view, Word> table = {
      {"crop", {0.08, [](A& a, double x) { a.random_resized_crop = {.min_scale = x}; }}},
      {"pad", {4, [](A& a, double x) { a.crop_padding = static_cast<int>(x); }}},
      {"flip", {0.5, [](A& a, double x) { a.horizontal_flip = x; }}},
      {"jitter", {0.4, set_jitter}},
      {"brightness", {0.4, [](A& a, double x) { a.colour_jitter.brightness = x; }}},
      {"contrast", {0.4, [](A& a, double x) { a.colour_jitter.contrast = x; }}},
      {"saturation", {0.4, [](A& a, double x) { a.colour_jitter.saturation = x; }}},
      {"hue", {0.1, [](A& a, double x) { a.colour_jitter.hue = x; }}},
      {"randaugment",
       {9, [](A& a, double x) { a.rand_augment = {.magnitude = static_cast<int>(x)}; }}},
      {"mixup", {0.2, [](A& a, double x) { a.mixup = x; }}},
      {"erasing", {0.25, [](A& a, double x) { a.random_erasing.probability = x; }}},
  };
  return table;
}

void apply(std::string_view item, Augmentation& augmentation) {
  const std::size_t equals = item.find('=');
  const std::string_view name = item.substr(0, equals);
  const auto found = words().find(name);
  if (found == words().end()) {
    std::vector<std::string_view> known;
    for (const auto& [word, meaning] : words()) known.push_back(word);
    const auto meant = most_similar(name, known);
    fail_at(ErrorCode::invalid_argument, {}, meant ? fmt::format("did you mean '{}'?", *meant) : "",
            "there is no augmentation \"{}\" (there are {})", name, fmt::join(known, ", "));
  }
  const Word& word = found->second;
  word.set(augmentation,
           equals == item.npos ? word.usual : parse_number(item.substr(equals + 1), item));
}

}  // namespace augmentation_text_detail

Augmentation parse_augmentation(const std::string& text) {
  Augmentation augmentation;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view item = rest.substr(0, rest.find(','));
    augmentation_text_detail::apply(item, augmentation);
    rest.remove_prefix(std::min(item.size() + 1, rest.size()));
  }
  check(augmentation);
  return augmentation;
}

}  // namespace torchkeep
