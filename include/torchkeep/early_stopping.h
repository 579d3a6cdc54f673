// Stopping a training when it no longer gets better, with the reason. Pure arithmetic.
#pragma once

#include <optional>
#include <string>

#include <torchkeep/metrics.h>
#include <torchkeep/value.h>

namespace torchkeep {

enum class StopCriterion {
  no_improvement,       // `patience` checks in a row brought nothing better than the best
  consecutive_increase  // the metric got worse than at the check before, `patience` times in a row
};
std::string_view name(StopCriterion criterion);  // "no_improvement", "consecutive_increase"
std::optional<StopCriterion> stop_criterion_from_name(std::string_view name);

enum class ThresholdMode {
  absolute,  // better (or worse) means by more than min_delta
  relative   // ... by more than min_delta times the number that it is compared with
};

struct EarlyStoppingOptions {
  std::string monitor = "val_loss";  // the metric's name
  Mode mode = Mode::min;
  StopCriterion criterion = StopCriterion::no_improvement;
  // Checks, not epochs: with a check every 10 epochs a patience of 3 waits 30 epochs.
  int patience = 3;
  double min_delta = 0.0;
  ThresholdMode threshold_mode = ThresholdMode::absolute;
  // Whether improvements too small for min_delta add up until they pass it together (true), or the
  // best follows every small improvement (false), which makes patience stricter.
  bool cumulative = false;
  bool strict = true;        // a missing metric is an error; otherwise the check is skipped
  bool check_finite = true;  // stop at once at NaN or infinity
  std::optional<double> stopping_threshold = std::nullopt;    // good enough: stop when better
  std::optional<double> divergence_threshold = std::nullopt;  // hopeless: stop when worse
  std::optional<double> baseline = std::nullopt;  // counts as the best before the first check
  int start_from_epoch = 0;  // checks before this epoch count for nothing but check_finite
};

enum class StopReason {
  not_stopped,
  stopping_threshold,
  divergence_threshold,
  patience_exhausted,
  non_finite_metric
};
std::string_view name(StopReason reason);  // "patience_exhausted", ...

struct StopDecision {
  bool stop = false;
  StopReason reason = StopReason::not_stopped;
  std::string message;  // one sentence with the numbers; also when going on
};

// Decides after each check; a later check goes on from the same state. Not synchronised.
class EarlyStopping {
 public:
  // Throws invalid_argument for a patience below 1, a negative min_delta or an empty monitor.
  explicit EarlyStopping(EarlyStoppingOptions options = {});

  // Looks at the metrics of one check. `epoch` counts from 0. Throws not_found, naming the metrics
  // there are, if the monitored one is missing and `strict` is set.
  StopDecision check(const Metrics& metrics, int epoch);

  // The outcome of the last check, also of one before a load_state_dict().
  const StopDecision& decision() const { return decision_; }

  const EarlyStoppingOptions& options() const { return options_; }
  std::optional<double> best() const { return best_; }
  int best_epoch() const { return best_epoch_; }  // -1 before the first, and for the baseline
  int bad_checks() const { return bad_checks_; }

  // Goes on after a stop: the bad checks are forgotten, the best is not.
  void rearm();

  // Everything that a later decision depends on. load throws mismatch if the state is of another
  // monitor, mode or criterion.
  Value state_dict() const;
  void load_state_dict(const Value& state);

 private:
  StopDecision decide(const Metrics& metrics, int epoch);
  void count(double value, int epoch);
  StopDecision check_thresholds(double value) const;
  StopDecision check_patience(double value) const;

  EarlyStoppingOptions options_;
  std::optional<double> best_;
  std::optional<double> reference_;  // what the next check is compared with
  std::optional<double> previous_;
  int best_epoch_ = -1;
  int bad_checks_ = 0;
  StopDecision decision_;
};

}  // namespace torchkeep
