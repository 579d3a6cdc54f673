// One fuzz target for each program. libFuzzer calls it, or replay_main.cpp does with the corpus.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
