// Work on several processors.
#pragma once

#include <cstddef>
#include <functional>

namespace torchkeep {

// Threads to use where a caller asked for `requested`; 0 stands for as many as there are
// processors, at most 8.
int effective_threads(int requested);

// Calls `work(i)` once for each i below `count`, from this thread and at most `threads - 1` others.
// After an exception no further work is begun; the first one is thrown again once all have stopped.
void parallel_for(std::size_t count, int threads, const std::function<void(std::size_t)>& work);

}  // namespace torchkeep
