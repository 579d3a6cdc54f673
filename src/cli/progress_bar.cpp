#include "cli/progress_bar.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "base/printable.h"
#include "base/table.h"
#include "cli/output.h"

namespace torchkeep::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBarWidth = 30;
constexpr std::string_view kClearLine = "\r\x1b[K";

}  // namespace

std::string progress_line(const std::string& title, std::uint64_t done, std::uint64_t total) {
  const double part =
      total == 0 ? 1.0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const std::string bar(static_cast<std::size_t>(part * kBarWidth), '#');
  return fmt::format("{} [{:<{}}] {:>3.0f}%  {} of {}", printable(title), bar, kBarWidth,
                     part * 100, human_size(done), human_size(total));
}

ProgressBar::ProgressBar(std::string title) : draws_(::isatty(STDERR_FILENO) == 1) {
  restart(std::move(title));
}

ProgressBar::~ProgressBar() { clear(); }

ProgressFunction ProgressBar::function() {
  if (!draws_) return {};
  return [this](std::uint64_t done, std::uint64_t total) { update(done, total); };
}

void ProgressBar::restart(std::string title) {
  clear();
  title_ = std::move(title);
  next_ = Clock::now() + 500ms;
}

void ProgressBar::update(std::uint64_t done, std::uint64_t total) {
  if (Clock::now() < next_) return;
  next_ = Clock::now() + 100ms;
  drawn_ = true;
  write_error_text(std::string(kClearLine) + progress_line(title_, done, total));
}

void ProgressBar::clear() {
  if (std::exchange(drawn_, false)) write_error_text(kClearLine);
}

}  // namespace torchkeep::cli
