// Ending cleanly when the system or the user asks for it.
#pragma once

namespace torchkeep {

// While one lives, the first SIGINT or SIGTERM only makes requested() true, and the second ends the
// process at once, as the signal does by itself. At most one at a time in a process. Handlers that
// were there before are put back.
class InterruptGuard {
 public:
  // Throws invalid_argument if there is one already.
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  // Whether a signal came. Callable from any thread.
  bool requested() const noexcept;
};

}  // namespace torchkeep
