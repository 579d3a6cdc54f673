#include <mutex>

#include <torchkeep/convert.h>
#include <torchkeep/random_state.h>

#include <ATen/CPUGeneratorImpl.h>

#include "base/fail.h"

namespace torchkeep {

Tensor random_state() {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard<std::mutex> lock(generator.mutex());
  return from_torch(generator.get_state());
}

void set_random_state(const Tensor& state) {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard<std::mutex> lock(generator.mutex());
  const Shape expected = generator.get_state().sizes().vec();
  if (state.dtype() != DType::uint8 || state.shape() != expected) {
    fail_at(ErrorCode::mismatch, {}, "pass what random_state() or torch.get_rng_state() returned",
            "not the state of a CPU generator (expected uint8 {}, got {} {})", to_string(expected),
            name(state.dtype()), to_string(state.shape()));
  }
  try {
    generator.set_state(to_torch(state.contiguous()));
  } catch (const c10::Error& error) {
    fail(ErrorCode::mismatch, "the bytes are not the state of a CPU generator ({})",
         error.what_without_backtrace());
  }
}

}  // namespace torchkeep
