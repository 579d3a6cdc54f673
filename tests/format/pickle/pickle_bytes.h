// Pickles written down in tests.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "format/pickle/decode.h"

namespace torchkeep::testing {

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

// A text that may hold NUL bytes.
template <std::size_t N>
std::string pickle(const char (&text)[N]) {
  return std::string(text, N - 1);
}

inline Value decoded(std::string_view bytes, const Limits& limits = {}) {
  return pickle::decode(as_bytes(bytes), {}, limits).value;
}

}  // namespace torchkeep::testing
