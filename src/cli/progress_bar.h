// A bar on standard error while work takes long.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <torchkeep/progress.h>

namespace torchkeep::cli {

// Draws only on a terminal, only work that takes longer than half a second, and a few times a
// second. Its destructor removes the bar, so that nothing of it stays on the screen:
//
//   ProgressBar bar("verifying model.pt");
//   options.progress = bar.function();
class ProgressBar {
 public:
  explicit ProgressBar(std::string title);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // Refers to this bar. Empty where nothing is drawn.
  ProgressFunction function();
  // Begins again with another title.
  void restart(std::string title);

 private:
  using Clock = std::chrono::steady_clock;

  void update(std::uint64_t done, std::uint64_t total);
  void clear();

  std::string title_;
  bool draws_;
  bool drawn_ = false;
  Clock::time_point next_;
};

// The line: "title [#####     ]  50%  263.9 MiB of 527.8 MiB".
std::string progress_line(const std::string& title, std::uint64_t done, std::uint64_t total);

}  // namespace torchkeep::cli
