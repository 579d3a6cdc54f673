// Following long work.
#pragma once

#include <cstdint>
#include <functional>

namespace torchkeep {

// Called now and then with the bytes that are done and those there are in all; from any of the
// threads that work, but never from two at once. An empty function is not called. What it throws
// ends the work as an error does.
using ProgressFunction = std::function<void(std::uint64_t done, std::uint64_t total)>;

}  // namespace torchkeep
