#include <csignal>

#include <torchkeep/interrupt.h>

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace {

TEST(Interrupt, TheFirstSignalIsOnlyNoted) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const InterruptGuard guard;
    EXPECT_FALSE(guard.requested());
    raise(signal);
    EXPECT_TRUE(guard.requested());
  }
}

TEST(InterruptDeathTest, TheSecondSignalEndsTheProcess) {
  EXPECT_EXIT(
      {
        const InterruptGuard guard;
        raise(SIGINT);
        raise(SIGTERM);
      },
      ::testing::KilledBySignal(SIGTERM), "");
}

TEST(InterruptDeathTest, AfterTheGuardASignalEndsTheProcessAgain) {
  EXPECT_EXIT(
      {
        { const InterruptGuard guard; }
        raise(SIGTERM);
      },
      ::testing::KilledBySignal(SIGTERM), "");
}

TEST(Interrupt, ThereIsOnlyOne) {
  const InterruptGuard guard;
  EXPECT_ERROR(InterruptGuard(), ErrorCode::invalid_argument, ::testing::HasSubstr("already"));
}

}  // namespace
}  // namespace torchkeep
