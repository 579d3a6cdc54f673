#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <torchkeep/early_stopping.h>

#include "base/fail.h"

namespace torchkeep {
namespace {

constexpr std::array kReasonNames = {
    std::pair{StopReason::not_stopped, std::string_view("not_stopped")},
    std::pair{StopReason::stopping_threshold, std::string_view("stopping_threshold")},
    std::pair{StopReason::divergence_threshold, std::string_view("divergence_threshold")},
    std::pair{StopReason::patience_exhausted, std::string_view("patience_exhausted")},
    std::pair{StopReason::non_finite_metric, std::string_view("non_finite_metric")}};

constexpr std::array kCriterionNames = {
    std::pair{StopCriterion::no_improvement, std::string_view("no_improvement")},
    std::pair{StopCriterion::consecutive_increase, std::string_view("consecutive_increase")}};

template <class Enum, std::size_t n>
std::string_view name_in(const std::array<std::pair<Enum, std::string_view>, n>& names,
                         Enum value) {
  return std::find_if(names.begin(), names.end(),
                      [&](const auto& entry) { return entry.first == value; })
      ->second;
}

template <class Enum, std::size_t n>
std::optional<Enum> value_in(const std::array<std::pair<Enum, std::string_view>, n>& names,
                             std::string_view text) {
  for (const auto& [value, known] : names) {
    if (known == text) return value;
  }
  return std::nullopt;
}

// How much better than `reference` a metric must be.
double margin(const EarlyStoppingOptions& options, double reference) {
  if (options.threshold_mode == ThresholdMode::absolute) return options.min_delta;
  return std::isfinite(reference) ? options.min_delta * std::abs(reference) : 0.0;
}

bool better_by(double candidate, double reference, double delta, Mode mode) {
  return is_better(candidate, mode == Mode::min ? reference - delta : reference + delta, mode);
}

StopDecision stopped(StopReason reason, std::string message) {
  return {.stop = true, .reason = reason, .message = std::move(message)};
}

Value optional_to_value(const std::optional<double>& number) {
  return number ? Value(*number) : Value();
}

std::optional<double> optional_from_value(const Value& value) {
  if (value.is_none()) return std::nullopt;
  return value.as_double();
}

void require_same(const Value& state, const char* key, std::string_view expected) {
  const std::string& found = state[key].as_string();
  if (found == expected) return;
  fail(ErrorCode::mismatch, "the saved early stopping has another {} (expected {}, got {})", key,
       expected, found);
}

}  // namespace

std::string_view name(StopReason reason) { return name_in(kReasonNames, reason); }
std::string_view name(StopCriterion criterion) { return name_in(kCriterionNames, criterion); }

std::optional<StopCriterion> stop_criterion_from_name(std::string_view text) {
  return value_in(kCriterionNames, text);
}

EarlyStopping::EarlyStopping(EarlyStoppingOptions options) : options_(std::move(options)) {
  if (options_.monitor.empty()) {
    fail(ErrorCode::invalid_argument, "early stopping has no metric to monitor");
  }
  if (options_.patience < 1) {
    fail(ErrorCode::invalid_argument, "the patience of early stopping is {} (expected at least 1)",
         options_.patience);
  }
  if (!(options_.min_delta >= 0.0)) {
    fail(ErrorCode::invalid_argument, "min_delta of early stopping is {} (expected at least 0)",
         options_.min_delta);
  }
  best_ = options_.baseline;
  reference_ = options_.baseline;
}

StopDecision EarlyStopping::check(const Metrics& metrics, int epoch) {
  decision_ = decide(metrics, epoch);
  return decision_;
}

StopDecision EarlyStopping::decide(const Metrics& metrics, int epoch) {
  if (!options_.strict && !metrics.contains(options_.monitor)) {
    return {.message = fmt::format("{} is missing; this check is skipped", options_.monitor)};
  }
  const double value = metric(metrics, options_.monitor);
  if (options_.check_finite && !std::isfinite(value)) {
    return stopped(StopReason::non_finite_metric,
                   fmt::format("{} is {} in epoch {}", options_.monitor, value, epoch));
  }
  if (epoch < options_.start_from_epoch) {
    return {.message = fmt::format("{} is {}; checks count from epoch {}", options_.monitor, value,
                                   options_.start_from_epoch)};
  }
  count(value, epoch);
  if (auto decision = check_thresholds(value); decision.stop) return decision;
  return check_patience(value);
}

void EarlyStopping::count(double value, int epoch) {
  const bool improved =
      !reference_ || better_by(value, *reference_, margin(options_, *reference_), options_.mode);
  const bool worse_than_before =
      previous_ && better_by(*previous_, value, margin(options_, *previous_), options_.mode);
  const bool bad =
      options_.criterion == StopCriterion::no_improvement ? !improved : worse_than_before;
  bad_checks_ = bad ? bad_checks_ + 1 : 0;

  if (!best_ || is_better(value, *best_, options_.mode)) {
    best_ = value;
    best_epoch_ = epoch;
  }
  if (improved || (!options_.cumulative && is_better(value, *reference_, options_.mode))) {
    reference_ = value;
  }
  previous_ = value;
}

StopDecision EarlyStopping::check_thresholds(double value) const {
  if (options_.stopping_threshold &&
      is_better(value, *options_.stopping_threshold, options_.mode)) {
    return stopped(StopReason::stopping_threshold,
                   fmt::format("{} is {}, better than the stopping threshold {}", options_.monitor,
                               value, *options_.stopping_threshold));
  }
  if (options_.divergence_threshold &&
      is_better(*options_.divergence_threshold, value, options_.mode)) {
    return stopped(StopReason::divergence_threshold,
                   fmt::format("{} is {}, worse than the divergence threshold {}", options_.monitor,
                               value, *options_.divergence_threshold));
  }
  return {};
}

StopDecision EarlyStopping::check_patience(double value) const {
  const std::string best = best_epoch_ < 0
                               ? fmt::format("baseline {}", *best_)
                               : fmt::format("best {} in epoch {}", *best_, best_epoch_);
  if (bad_checks_ == 0) {
    return {.message = fmt::format("{} is {} ({})", options_.monitor, value, best)};
  }
  const std::string_view what = options_.criterion == StopCriterion::no_improvement
                                    ? "has not improved"
                                    : "has got worse each time";
  std::string message = fmt::format("{} is {} and {} for {} of {} checks ({})", options_.monitor,
                                    value, what, bad_checks_, options_.patience, best);
  if (bad_checks_ < options_.patience) return {.message = std::move(message)};
  return stopped(StopReason::patience_exhausted, std::move(message));
}

void EarlyStopping::rearm() {
  bad_checks_ = 0;
  decision_ = {};
}

Value EarlyStopping::state_dict() const {
  return dict({{"monitor", options_.monitor},
               {"mode", name(options_.mode)},
               {"criterion", name(options_.criterion)},
               {"best", optional_to_value(best_)},
               {"reference", optional_to_value(reference_)},
               {"previous", optional_to_value(previous_)},
               {"best_epoch", best_epoch_},
               {"bad_checks", bad_checks_},
               {"reason", name(decision_.reason)},
               {"message", decision_.message}});
}

void EarlyStopping::load_state_dict(const Value& state) {
  require_same(state, "monitor", options_.monitor);
  require_same(state, "mode", name(options_.mode));
  require_same(state, "criterion", name(options_.criterion));
  EarlyStopping restored(options_);
  restored.best_ = optional_from_value(state["best"]);
  restored.reference_ = optional_from_value(state["reference"]);
  restored.previous_ = optional_from_value(state["previous"]);
  restored.best_epoch_ = static_cast<int>(state["best_epoch"].as_int());
  restored.bad_checks_ = static_cast<int>(state["bad_checks"].as_int());
  const std::string& reason = state["reason"].as_string();
  const auto known = value_in(kReasonNames, reason);
  if (!known) fail(ErrorCode::corrupt, "no reason to stop is called \"{}\"", reason);
  restored.decision_ = {.stop = *known != StopReason::not_stopped,
                        .reason = *known,
                        .message = state["message"].as_string()};
  *this = std::move(restored);
}

}  // namespace torchkeep
