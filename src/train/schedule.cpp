#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <map>
#include <string>

#include <torchkeep/schedule.h>

#include "base/fail.h"
#include "train/schedule_rates.h"

namespace torchkeep {
namespace {

// In the order of the variant.
constexpr std::array<std::string_view, std::variant_size_v<Schedule::Form>> kNames = {
    "StepLR",     "MultiStepLR",       "ExponentialLR", "CosineAnnealingLR", "LinearLR",
    "ConstantLR", "ReduceLROnPlateau", "OneCycleLR",    "SequentialLR"};

template <class Number>
Number parse_number(std::string_view text, std::string_view key) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  fail(ErrorCode::invalid_argument, "\"{}\" is no value for {} of a schedule", text, key);
}

void parse_into(double& option, std::string_view text, std::string_view key) {
  option = parse_number<double>(text, key);
}
void parse_into(std::int64_t& option, std::string_view text, std::string_view key) {
  option = parse_number<std::int64_t>(text, key);
}
void parse_into(std::vector<std::int64_t>& option, std::string_view text, std::string_view key) {
  option.clear();
  while (true) {
    const std::string_view item = text.substr(0, text.find('+'));
    option.push_back(parse_number<std::int64_t>(item, key));
    if (item.size() == text.size()) return;
    text.remove_prefix(item.size() + 1);
  }
}

using Options = std::map<std::string_view, std::string_view>;

// Reads the options of one schedule by name and, at the end, refuses those that it does not have.
class OptionReader {
 public:
  OptionReader(std::string_view schedule, std::string_view text) : schedule_(schedule) {
    while (!text.empty()) {
      const std::string_view item = text.substr(0, text.find(','));
      const std::size_t equals = item.find('=');
      if (equals == std::string_view::npos) {
        fail(ErrorCode::invalid_argument, "\"{}\" is no option of a schedule (expected name=value)",
             item);
      }
      options_[item.substr(0, equals)] = item.substr(equals + 1);
      text.remove_prefix(std::min(text.size(), item.size() + 1));
    }
  }

  template <class T>
  OptionReader& read(std::string_view key, T& option) {
    known_.push_back(key);
    const auto found = options_.find(key);
    if (found == options_.end()) return *this;
    parse_into(option, found->second, key);
    options_.erase(found);
    return *this;
  }

  void finish() const {
    if (options_.empty()) return;
    fail(ErrorCode::invalid_argument, "the schedule {} has no option {} (there are {})", schedule_,
         options_.begin()->first, fmt::join(known_, ", "));
  }

 private:
  std::string_view schedule_;
  Options options_;
  std::vector<std::string_view> known_;
};

using Parser = Schedule (*)(OptionReader&, const ScheduleDefaults&);

Schedule parse_step(OptionReader& reader, const ScheduleDefaults&) {
  StepLR s;
  reader.read("step_size", s.step_size).read("gamma", s.gamma);
  return s;
}
Schedule parse_multistep(OptionReader& reader, const ScheduleDefaults&) {
  MultiStepLR s;
  reader.read("milestones", s.milestones).read("gamma", s.gamma);
  return s;
}
Schedule parse_exponential(OptionReader& reader, const ScheduleDefaults&) {
  ExponentialLR s;
  reader.read("gamma", s.gamma);
  return s;
}
Schedule parse_cosine(OptionReader& reader, const ScheduleDefaults& defaults) {
  CosineAnnealingLR s{.t_max = defaults.total};
  reader.read("t_max", s.t_max).read("eta_min", s.eta_min);
  return s;
}
Schedule parse_linear(OptionReader& reader, const ScheduleDefaults&) {
  LinearLR s;
  reader.read("start_factor", s.start_factor).read("end_factor", s.end_factor);
  reader.read("total_iters", s.total_iters);
  return s;
}
Schedule parse_constant(OptionReader& reader, const ScheduleDefaults&) {
  ConstantLR s;
  reader.read("factor", s.factor).read("total_iters", s.total_iters);
  return s;
}
Schedule parse_plateau(OptionReader& reader, const ScheduleDefaults&) {
  ReduceLROnPlateau s;
  reader.read("factor", s.factor).read("patience", s.patience).read("threshold", s.threshold);
  reader.read("cooldown", s.cooldown).read("min_lr", s.min_lr).read("eps", s.eps);
  return s;
}
Schedule parse_one_cycle(OptionReader& reader, const ScheduleDefaults& defaults) {
  OneCycleLR s{.max_lr = defaults.lr, .total_steps = defaults.total};
  reader.read("max_lr", s.max_lr).read("total_steps", s.total_steps);
  reader.read("pct_start", s.pct_start).read("div_factor", s.div_factor);
  reader.read("final_div_factor", s.final_div_factor).read("base_momentum", s.base_momentum);
  reader.read("max_momentum", s.max_momentum);
  return s;
}
Schedule parse_warmup_cosine(OptionReader& reader, const ScheduleDefaults& defaults) {
  constexpr std::int64_t kPartOfWarmup = 20;
  CosineWithWarmup s{.warmup = std::max<std::int64_t>(1, defaults.total / kPartOfWarmup),
                     .total = defaults.total};
  reader.read("warmup", s.warmup).read("total", s.total);
  reader.read("start_factor", s.start_factor).read("eta_min", s.eta_min);
  return cosine_with_warmup(s);
}

const std::map<std::string_view, Parser>& parsers() {
  static const std::map<std::string_view, Parser> all = {{"constant", parse_constant},
                                                         {"cosine", parse_cosine},
                                                         {"exponential", parse_exponential},
                                                         {"linear", parse_linear},
                                                         {"multistep", parse_multistep},
                                                         {"one-cycle", parse_one_cycle},
                                                         {"plateau", parse_plateau},
                                                         {"step", parse_step},
                                                         {"warmup-cosine", parse_warmup_cosine}};
  return all;
}

}  // namespace

std::string_view name(const Schedule& schedule) { return kNames[schedule.form.index()]; }

Schedule cosine_with_warmup(const CosineWithWarmup& options) {
  if (options.warmup < 1 || options.warmup >= options.total) {
    fail(ErrorCode::invalid_argument,
         "the warm-up takes {} of {} steps (expected at least 1, and fewer than all)",
         options.warmup, options.total);
  }
  return SequentialLR{
      .schedules = {LinearLR{.start_factor = options.start_factor, .total_iters = options.warmup},
                    CosineAnnealingLR{.t_max = options.total - options.warmup,
                                      .eta_min = options.eta_min}},
      .milestones = {options.warmup}};
}

Schedule parse_schedule(std::string_view text, const ScheduleDefaults& defaults) {
  const std::string_view kind = text.substr(0, text.find(':'));
  const auto parser = parsers().find(kind);
  if (parser == parsers().end()) {
    std::vector<std::string_view> known;
    for (const auto& [each, parse] : parsers()) known.push_back(each);
    fail(ErrorCode::invalid_argument, "no schedule \"{}\" (there are {})", kind,
         fmt::join(known, ", "));
  }
  OptionReader reader(kind, kind.size() == text.size() ? "" : text.substr(kind.size() + 1));
  Schedule schedule = parser->second(reader, defaults);
  reader.finish();
  check_schedule(schedule);
  return schedule;
}

}  // namespace torchkeep
