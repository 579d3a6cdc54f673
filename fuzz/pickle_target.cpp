// Any bytes as a pickle. What is decoded can be encoded, unless it contained itself, and comes back
// the same from then on.
#include <span>
#include <string>

#include <torchkeep/error.h>
#include <torchkeep/value.h>

#include "format/pickle/decode.h"
#include "format/pickle/encode.h"
#include "fuzz_target.h"

namespace {

constexpr torchkeep::Limits kLimits = {.max_pickle_opcodes = 1'000'000,
                                       .max_memo_entries = 100'000,
                                       .max_stack_depth = 100'000,
                                       .max_value_bytes = std::uint64_t{64} << 20};

torchkeep::Value decode_own(const std::string& bytes) {
  return torchkeep::pickle::decode(std::as_bytes(std::span(bytes))).value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  torchkeep::Value value;
  try {
    value = torchkeep::pickle::decode(std::as_bytes(std::span(data, size)), {}, kLimits).value;
  } catch (const torchkeep::Error& error) {
    if (error.code() == torchkeep::ErrorCode::internal) __builtin_trap();
    return 0;
  }
  to_string(value);
  // Names of Python 2 and nested classes change when they are written for the first time.
  std::string first;
  try {
    first = torchkeep::pickle::encode(value);
  } catch (const torchkeep::Error& error) {
    if (error.code() != torchkeep::ErrorCode::unsupported) __builtin_trap();
    return 0;
  }
  const torchkeep::Value second = decode_own(first);
  const torchkeep::Value third = decode_own(torchkeep::pickle::encode(second));
  if (!equal(second, third)) __builtin_trap();
  return 0;
}
