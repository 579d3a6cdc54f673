// The state dicts of the schedules, under Python's keys.
#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include <torchkeep/schedule_progress.h>

#include "base/fail.h"
#include "data/number_kind.h"
#include "train/schedule_rates.h"

namespace torchkeep {
namespace {

constexpr const char* kAnnealKey = "_anneal_func_type";  // since PyTorch 2.0
constexpr const char* kAnnealMethodKey = "anneal_func";  // before: a bound method

std::int64_t count_in(const Value& state, const char* key) {
  constexpr std::int64_t kMost = std::int64_t{1} << 53;
  const std::int64_t count = state[key].as_int();
  if (count >= -1 && count <= kMost) return count;
  fail(ErrorCode::corrupt, "{} is {} (expected a count)", key, count);
}

template <class T>
Value number_list(const std::vector<T>& numbers) {
  return Value(List(numbers.begin(), numbers.end()));
}

std::vector<double> doubles_in(const Value& list) {
  std::vector<double> numbers;
  for (const Value& item : list.items()) numbers.push_back(item.as_double());
  return numbers;
}

// Python's Counter: how often each milestone is there.
Value counter(const std::vector<std::int64_t>& milestones) {
  Dict counts;
  for (const std::int64_t milestone : milestones) {
    counts.set(milestone, std::count(milestones.begin(), milestones.end(), milestone));
  }
  return Object::call(Object::global("collections", "Counter"), tuple({std::move(counts)}));
}

std::vector<std::int64_t> milestones_in(const Value& value) {
  const bool is_counter =
      value.is_object() && value.as_object().is_call_of("collections", "Counter");
  const Value counts = is_counter ? value.as_object().arguments()[0] : value;
  constexpr std::int64_t kMostMilestones = 1'000'000;
  std::vector<std::int64_t> milestones;
  for (const auto& [milestone, count] : counts.as_dict()) {
    const std::int64_t times = count.as_int();
    if (times < 0 || times > kMostMilestones) {
      fail(ErrorCode::corrupt, "a milestone is there {} times", times);
    }
    milestones.insert(milestones.end(), static_cast<std::size_t>(times), milestone.as_int());
  }
  return milestones;
}

Value phases_value(const OneCycleLR& schedule) {
  List phases;
  for (const OneCyclePhase& phase : one_cycle_phases(schedule)) {
    phases.push_back(dict({{"end_step", phase.end_step},
                           {"start_lr", phase.start_lr},
                           {"end_lr", phase.end_lr},
                           {"start_momentum", phase.start_momentum},
                           {"end_momentum", phase.end_momentum}}));
  }
  phases.back().as_dict().set("end_step", schedule.total_steps - 1);  // Python has an int here
  return phases;
}

std::string_view name(OneCycleLR::Anneal anneal) {
  return anneal == OneCycleLR::Anneal::cosine ? "cos" : "linear";
}

struct WriteOptions {
  Dict& to;

  void operator()(const StepLR& s) const {
    to.set("step_size", s.step_size);
    to.set("gamma", s.gamma);
  }
  void operator()(const MultiStepLR& s) const {
    to.set("milestones", counter(s.milestones));
    to.set("gamma", s.gamma);
  }
  void operator()(const ExponentialLR& s) const { to.set("gamma", s.gamma); }
  void operator()(const CosineAnnealingLR& s) const {
    to.set("T_max", s.t_max);
    to.set("eta_min", s.eta_min);
  }
  void operator()(const LinearLR& s) const {
    to.set("start_factor", s.start_factor);
    to.set("end_factor", s.end_factor);
    to.set("total_iters", s.total_iters);
  }
  void operator()(const ConstantLR& s) const {
    to.set("factor", s.factor);
    to.set("total_iters", s.total_iters);
  }
  void operator()(const ReduceLROnPlateau& s) const {
    to.set("factor", s.factor);
    to.set("min_lrs", List());
    to.set("patience", s.patience);
    to.set("verbose", false);
    to.set("cooldown", s.cooldown);
    to.set("cooldown_counter", 0);
    to.set("mode", torchkeep::name(s.mode));
    to.set("threshold", s.threshold);
    to.set("threshold_mode", s.threshold_mode == ThresholdMode::relative ? "rel" : "abs");
    to.set("best", 0.0);
    to.set("num_bad_epochs", 0);
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    to.set("mode_worse", s.mode == Mode::min ? kInfinity : -kInfinity);
    to.set("eps", s.eps);
  }
  void operator()(const OneCycleLR& s) const {
    to.set("total_steps", s.total_steps);
    to.set("_schedule_phases", phases_value(s));
    to.set(kAnnealKey, name(s.anneal));
    to.set("cycle_momentum", s.cycle_momentum);
  }
  void operator()(const SequentialLR& s) const { to.set("_milestones", number_list(s.milestones)); }
};

Mode mode_in(const Value& value) {
  if (const auto mode = mode_from_name(value.as_string())) return *mode;
  fail(ErrorCode::mismatch, "the mode is \"{}\" (expected min or max)", value.as_string());
}

// OneCycleLR keeps what was computed from its options, not the options: they have to be the same.
void require_same_cycle(const OneCycleLR& schedule, const Value& state) {
  const Value ours = phases_value(schedule);
  const Value& theirs = state["_schedule_phases"];
  bool same = state["total_steps"].as_int() == schedule.total_steps &&
              state["cycle_momentum"].as_bool() == schedule.cycle_momentum &&
              theirs.size() == ours.size();
  for (std::size_t i = 0; same && i < ours.size(); ++i) {
    same = theirs[i]["end_step"].as_double() == ours[i]["end_step"].as_double();
  }
  const Value* anneal = state.find(kAnnealKey);
  const Value* method = state.find(kAnnealMethodKey);
  if (anneal) {
    same = same && anneal->as_string() == name(schedule.anneal);
  } else if (method && method->is_object() && method->as_object().arguments().size() == 2) {
    same = same && method->as_object().arguments()[1].as_string() ==
                       (schedule.anneal == OneCycleLR::Anneal::cosine ? "_annealing_cos"
                                                                      : "_annealing_linear");
  }
  if (same) return;
  fail_at(ErrorCode::mismatch, {}, "make it with the options of the first run",
          "the state is that of another cycle (expected total_steps {} and phases {}, got {} and "
          "{})",
          schedule.total_steps, to_string(ours), state["total_steps"].as_int(), to_string(theirs));
}

// The same class with the options in the state.
struct ReadOptions {
  const Value& from;

  Schedule operator()(const StepLR&) const {
    return StepLR{.step_size = count_in(from, "step_size"), .gamma = from["gamma"].as_double()};
  }
  Schedule operator()(const MultiStepLR&) const {
    return MultiStepLR{.milestones = milestones_in(from["milestones"]),
                       .gamma = from["gamma"].as_double()};
  }
  Schedule operator()(const ExponentialLR&) const {
    return ExponentialLR{.gamma = from["gamma"].as_double()};
  }
  Schedule operator()(const CosineAnnealingLR&) const {
    return CosineAnnealingLR{.t_max = count_in(from, "T_max"),
                             .eta_min = from["eta_min"].as_double()};
  }
  Schedule operator()(const LinearLR&) const {
    return LinearLR{.start_factor = from["start_factor"].as_double(),
                    .end_factor = from["end_factor"].as_double(),
                    .total_iters = count_in(from, "total_iters")};
  }
  Schedule operator()(const ConstantLR&) const {
    return ConstantLR{.factor = from["factor"].as_double(),
                      .total_iters = count_in(from, "total_iters")};
  }
  Schedule operator()(const ReduceLROnPlateau& s) const {
    return ReduceLROnPlateau{.mode = mode_in(from["mode"]),
                             .factor = from["factor"].as_double(),
                             .patience = count_in(from, "patience"),
                             .threshold = from["threshold"].as_double(),
                             .threshold_mode = from["threshold_mode"].as_string() == "rel"
                                                   ? ThresholdMode::relative
                                                   : ThresholdMode::absolute,
                             .cooldown = count_in(from, "cooldown"),
                             .min_lr = s.min_lr,
                             .eps = from["eps"].as_double()};
  }
  Schedule operator()(const OneCycleLR& s) const {
    require_same_cycle(s, from);
    return s;
  }
  Schedule operator()(const SequentialLR& s) const {
    SequentialLR read = s;
    read.milestones.clear();
    for (const Value& item : from["_milestones"].items()) read.milestones.push_back(item.as_int());
    return read;
  }
};

// The keys that tell a class, in the order of the variant, and those of others that are like them.
constexpr std::array<std::array<const char*, 2>, std::variant_size_v<Schedule::Form>> kKeys = {{
    {"step_size", "gamma"},
    {"milestones", "gamma"},
    {"gamma", "gamma"},
    {"T_max", "eta_min"},
    {"start_factor", "end_factor"},
    {"factor", "total_iters"},
    {"factor", "patience"},
    {"total_steps", "_schedule_phases"},
    {"_milestones", "_schedulers"},
}};
constexpr std::array kForeignKeys = {"step_size", "milestones", "max_lrs"};  // with gamma

bool is_state_of(const Schedule& schedule, const Value& state) {
  const auto& keys = kKeys[schedule.form.index()];
  if (!state.contains(keys[0]) || !state.contains(keys[1])) return false;
  return !std::holds_alternative<ExponentialLR>(schedule.form) ||
         std::none_of(kForeignKeys.begin(), kForeignKeys.end(),
                      [&](const char* key) { return state.contains(key); });
}

void require_groups(std::size_t expected, std::size_t found) {
  if (expected == found) return;
  fail_at(ErrorCode::mismatch, {}, "make the optimizer with the same groups",
          "the state is of another number of groups (expected {}, got {})", expected, found);
}

}  // namespace

Value ScheduleProgress::state_dict() const {
  Dict state;
  std::visit(WriteOptions{state}, schedule_.form);
  set_counters(state);
  if (loaded_.is_none()) return state;
  // In the order in which it was loaded, with what else was there.
  Dict all = loaded_.as_dict();
  for (const auto& [key, value] : state) all.set(key, keep_kind(value, all.find(key)));
  return all;
}

void ScheduleProgress::set_counters(Dict& state) const {
  if (needs_metric()) {
    state.set("min_lrs", number_list(min_lrs_));
    state.set("cooldown_counter", cooldown_left_);
    state.set("best", best_);
    state.set("num_bad_epochs", bad_epochs_);
    state.set("last_epoch", last_epoch_);
    if (!last_lr_.empty()) state.set("_last_lr", number_list(last_lr_));
    return;
  }
  if (!parts_.empty()) {
    state.set("last_epoch", last_epoch_);
    state.set("_last_lr", number_list(last_lr_));
    List states;
    for (const ScheduleProgress& part : parts_) states.push_back(part.state_dict());
    state.set("_schedulers", std::move(states));
    return;
  }
  const auto* cycle = std::get_if<OneCycleLR>(&schedule_.form);
  if (cycle && cycle->cycle_momentum) state.set("use_beta1", uses_beta_);
  state.set("base_lrs", number_list(base_lrs_));
  state.set("last_epoch", last_epoch_);
  state.set("verbose", false);
  state.set("_step_count", step_count_);
  state.set("_get_lr_called_within_step", false);
  state.set("_last_lr", number_list(last_lr_));
}

void ScheduleProgress::load_state_dict(const Value& state) {
  if (!is_state_of(schedule_, state)) {
    fail_at(ErrorCode::mismatch, {}, "make the scheduler that the state was saved from",
            "not the state of a {} (got {})", torchkeep::name(schedule_),
            to_string(state, {.max_depth = 1, .max_items = 12}));
  }
  ScheduleProgress next = *this;
  next.read(state);
  *this = std::move(next);
}

void ScheduleProgress::read(const Value& state) {
  schedule_ = std::visit(ReadOptions{state}, schedule_.form);
  check_schedule(schedule_);
  read_counters(state);
  Dict loaded = state.as_dict();
  loaded.erase(kAnnealMethodKey);  // it would drag the whole optimizer along
  loaded.erase("_schedulers");
  loaded_ = std::move(loaded);
}

void ScheduleProgress::read_counters(const Value& state) {
  last_epoch_ = count_in(state, "last_epoch");
  if (needs_metric()) {
    const Value* last = state.find("_last_lr");
    last_lr_ = last ? doubles_in(*last) : std::vector<double>();
    const std::vector<double> min_lrs = doubles_in(state["min_lrs"]);
    require_groups(min_lrs_.size(), min_lrs.size());
    min_lrs_ = min_lrs;
    best_ = state["best"].as_double();
    bad_epochs_ = count_in(state, "num_bad_epochs");
    cooldown_left_ = count_in(state, "cooldown_counter");
    return;
  }
  last_lr_ = doubles_in(state["_last_lr"]);
  if (!parts_.empty()) {
    const List& states = state["_schedulers"].items();
    if (states.size() != parts_.size()) {
      fail(ErrorCode::mismatch, "the state has {} schedules in a row (expected {})", states.size(),
           parts_.size());
    }
    for (std::size_t i = 0; i < parts_.size(); ++i) parts_[i].load_state_dict(states[i]);
    auto& sequence = std::get<SequentialLR>(schedule_.form);
    for (std::size_t i = 0; i < parts_.size(); ++i) sequence.schedules[i] = parts_[i].schedule_;
    return;
  }
  const std::vector<double> base_lrs = doubles_in(state["base_lrs"]);
  require_groups(base_lrs_.size(), base_lrs.size());
  base_lrs_ = base_lrs;
  step_count_ = count_in(state, "_step_count");
  if (const Value* beta = state.find("use_beta1")) uses_beta_ = beta->as_bool();
}

}  // namespace torchkeep
