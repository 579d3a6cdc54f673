#include <algorithm>
#include <cmath>

#include <torchkeep/lr_finder.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace torchkeep {
namespace lr_finder_text_detail {

constexpr std::size_t kColumns = 64;
constexpr std::size_t kRows = 14;

struct Range {
  double low;
  double high;
  std::size_t place(double value, std::size_t count) const {
    if (!(high > low)) return 0;
    const double part = std::clamp((value - low) / (high - low), 0.0, 1.0);
    return static_cast<std::size_t>(std::lround(part * static_cast<double>(count - 1)));
  }
};

Range losses_of(const LrSearch& search) {
  const auto [low, high] = std::ranges::minmax_element(search.steps, {}, &LrSearch::Step::loss);
  return {low->loss, std::max(high->loss, low->loss)};
}

// Rows from the top, without the axis.
std::vector<std::string> drawn(const LrSearch& search, const Range& losses) {
  const Range rates{std::log(search.steps.front().lr), std::log(search.steps.back().lr)};
  std::vector<std::string> rows(kRows, std::string(kColumns, ' '));
  const std::size_t suggested = rates.place(std::log(search.suggested), kColumns);
  for (std::string& row : rows) row[suggested] = '|';
  for (const LrSearch::Step& step : search.steps) {
    const std::size_t row = kRows - 1 - losses.place(step.loss, kRows);
    rows[row][rates.place(std::log(step.lr), kColumns)] = '*';
  }
  return rows;
}

}  // namespace lr_finder_text_detail

std::string to_string(const LrSearch& search) {
  namespace detail = lr_finder_text_detail;
  if (search.steps.empty()) return "no step was made\n";
  const detail::Range losses = detail::losses_of(search);
  const std::vector<std::string> rows = detail::drawn(search, losses);
  std::string text;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool is_end = i == 0 || i + 1 == rows.size();
    const double loss = i == 0 ? losses.high : losses.low;
    text += fmt::format("{:>9} |{}\n", is_end ? fmt::format("{:.4f}", loss) : "",
                        rows[i].substr(0, rows[i].find_last_not_of(' ') + 1));
  }
  text += fmt::format("{:>9} +{}\n", "loss", std::string(detail::kColumns, '-'));
  text += fmt::format("{:>11}{:<{}}{:>8.0e}\n", "", fmt::format("{:.0e}", search.steps.front().lr),
                      detail::kColumns - 8, search.steps.back().lr);
  text += fmt::format("\nsuggested learning rate: {:.1e} (the loss is smallest at {:.1e})\n",
                      search.suggested, search.at_least_loss);
  return text;
}

std::string to_json(const LrSearch& search) {
  nlohmann::ordered_json json = {{"suggested", search.suggested},
                                 {"at_least_loss", search.at_least_loss},
                                 {"steps", nlohmann::ordered_json::array()}};
  for (const LrSearch::Step& step : search.steps) {
    json["steps"].push_back({{"lr", step.lr}, {"loss", step.loss}});
  }
  return json.dump(2);
}

}  // namespace torchkeep
