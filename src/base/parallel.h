// Work on several processors.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace torchkeep {

// Processors that this process may use: those of its affinity, but no more than the quota of its
// control group gives it time on (`/sys/fs/cgroup/cpu.max`). At least 1.
int usable_processors();

// The processors that a quota comes to, rounded up; nothing if there is none. `cpu_max` is the
// content of such a file: "200000 100000", "max 100000".
std::optional<int> processors_of_quota(const std::string& cpu_max);

// Threads to use where a caller asked for `requested`; 0 stands for as many as there are
// processors, at most 8.
int effective_threads(int requested);

// Calls `work(i)` once for each i below `count`, from this thread and at most `threads - 1` others.
// After an exception no further work is begun; the first one is thrown again once all have stopped.
void parallel_for(std::size_t count, int threads, const std::function<void(std::size_t)>& work);

}  // namespace torchkeep
