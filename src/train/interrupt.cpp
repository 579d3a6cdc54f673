#include <array>
#include <atomic>
#include <csignal>

#include <torchkeep/interrupt.h>

#include <signal.h>

#include "base/fail.h"

namespace torchkeep {
namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM};

std::atomic<bool> guard_lives{false};
// Written to by the handler, which may touch nothing but a lock-free flag.
std::atomic<bool> signal_came{false};
static_assert(std::atomic<bool>::is_always_lock_free);
std::array<struct sigaction, kSignals.size()> previous_actions;

extern "C" void torchkeep_note_signal(int signal) {
  if (!signal_came.exchange(true)) return;
  struct sigaction by_default = {};
  by_default.sa_handler = SIG_DFL;
  sigaction(signal, &by_default, nullptr);
  raise(signal);  // delivered when the handler returns
}

}  // namespace

InterruptGuard::InterruptGuard() {
  if (guard_lives.exchange(true)) {
    fail(ErrorCode::invalid_argument, "there is an InterruptGuard already");
  }
  signal_came = false;
  struct sigaction action = {};
  action.sa_handler = torchkeep_note_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    sigaction(kSignals[i], &action, &previous_actions[i]);
  }
}

InterruptGuard::~InterruptGuard() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    sigaction(kSignals[i], &previous_actions[i], nullptr);
  }
  guard_lives = false;
}

bool InterruptGuard::requested() const noexcept { return signal_came; }

}  // namespace torchkeep
