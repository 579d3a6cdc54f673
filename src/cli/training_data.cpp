#include "cli/training_data.h"

#include <utility>

#include "base/fail.h"

namespace torchkeep::cli {
namespace training_data_detail {

Dataset chosen_classes(const Dataset& dataset, const std::vector<std::int64_t>& classes) {
  return classes.empty() ? dataset : select_classes(dataset, classes);
}

}  // namespace training_data_detail

RunData load_run_data(const RunSettings& settings) {
  namespace detail = training_data_detail;
  const Dataset whole = load_data(settings.data, Split::train, {});
  Dataset all = without_broken(detail::chosen_classes(whole, settings.classes), settings.images);
  if (settings.per_class) all = take_per_class(all, *settings.per_class);
  if (settings.validation_fraction == 0.0) return {std::move(all), std::nullopt};
  if (const auto found = load_dataset(settings.data, Split::validation)) {
    // Its folder may lack some of the classes, and so number the others differently.
    const Dataset validation =
        detail::chosen_classes(with_classes(*found, whole.class_names), settings.classes);
    return {std::move(all), without_broken(validation, settings.images)};
  }
  auto [training, validation] =
      split(all, settings.validation_fraction, static_cast<std::uint64_t>(settings.seed));
  if (validation.size() == 0) return {std::move(training), std::nullopt};
  return {std::move(training), std::move(validation)};
}

Dataset load_data(const std::string& name, Split split, const std::vector<std::int64_t>& classes) {
  const auto dataset = load_dataset(name, split);
  if (dataset) return training_data_detail::chosen_classes(*dataset, classes);
  fail_at(ErrorCode::not_found, {.path = name}, "name data with --data, or choose --split train",
          "the data have no part for tests");
}

}  // namespace torchkeep::cli
