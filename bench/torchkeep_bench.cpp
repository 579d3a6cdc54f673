// Loading, saving and inspecting a file without LibTorch. bench/README.md tells how to run and read
// it.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include <torchkeep/inspect.h>
#include <torchkeep/load.h>
#include <torchkeep/save.h>
#include <torchkeep/state_dict.h>

#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench_file.h"

namespace torchkeep::bench {
namespace {

std::int64_t minor_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

void load_file(benchmark::State& state, const BenchFile& file, const LoadOptions& options) {
  const std::int64_t faults = minor_faults();
  for (auto _ : state) {
    Value value = load(file.path(), options);
    benchmark::DoNotOptimize(value);
    state.PauseTiming();  // freeing is not loading
    value = Value();
    state.ResumeTiming();
  }
  state.counters["minor_faults"] = benchmark::Counter(static_cast<double>(minor_faults() - faults),
                                                      benchmark::Counter::kAvgIterations);
}

// Adds up every byte, so that all pages of a mapped file are read.
std::uint64_t sum_of(std::span<const std::byte> bytes) {
  std::uint64_t sum = 0;
  for (; bytes.size() >= sizeof sum; bytes = bytes.subspan(sizeof sum)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    sum += word;
  }
  return sum;
}

void map_and_touch(benchmark::State& state, const BenchFile& file) {
  for (auto _ : state) {
    const StateDict tensors = load(file.path(), {.access = Access::map}).as_state_dict();
    std::uint64_t sum = 0;
    for (const StateDict::Entry& entry : tensors) sum += sum_of(entry.tensor.bytes());
    benchmark::DoNotOptimize(sum);
  }
}

void copy_smallest_tensor(benchmark::State& state, const BenchFile& file) {
  for (auto _ : state) {
    const StateDict tensors = load(file.path(), {.access = Access::map}).as_state_dict();
    const auto smallest = std::ranges::min_element(
        tensors, {}, [](const StateDict::Entry& entry) { return entry.tensor.size_bytes(); });
    benchmark::DoNotOptimize(smallest->tensor.contiguous());
  }
}

void save_file(benchmark::State& state, const BenchFile& file, const SaveOptions& options) {
  const Value value = load(file.path());
  for (auto _ : state) {
    state.PauseTiming();
    sync();  // what is still to be written would be written meanwhile
    state.ResumeTiming();
    save(value, file.output(), options);
    state.PauseTiming();
    std::filesystem::remove(file.output());
    state.ResumeTiming();
  }
}

void inspect_file(benchmark::State& state, const BenchFile& file) {
  for (auto _ : state) benchmark::DoNotOptimize(to_json(inspect(file.path())));
}

void register_benchmarks(const BenchFile& file) {
  const auto add = [](const char* name, auto run) {
    benchmark::RegisterBenchmark(name, run)->Unit(benchmark::kMillisecond)->UseRealTime();
  };
  add("load/read", [&](benchmark::State& state) { load_file(state, file, {}); });
  add("load/read/unverified",
      [&](benchmark::State& state) { load_file(state, file, {.verify = Verify::nothing}); });
  add("load/map",
      [&](benchmark::State& state) { load_file(state, file, {.access = Access::map}); });
  add("load/map/verified", [&](benchmark::State& state) {
    load_file(state, file, {.access = Access::map, .verify = Verify::everything});
  });
  add("load/map/touched", [&](benchmark::State& state) { map_and_touch(state, file); });
  add("load/one_tensor", [&](benchmark::State& state) { copy_smallest_tensor(state, file); });
  add("save/cached",
      [&](benchmark::State& state) { save_file(state, file, {.durability = Durability::cached}); });
  add("save/synced", [&](benchmark::State& state) { save_file(state, file, {}); });
  add("inspect", [&](benchmark::State& state) { inspect_file(state, file); });
}

}  // namespace
}  // namespace torchkeep::bench

int main(int argc, char** argv) {
  return torchkeep::bench::run_benchmarks(argc, argv, torchkeep::bench::register_benchmarks);
}
