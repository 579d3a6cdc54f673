// Loading, saving and inspecting 528 MB. bench/README.md tells how to run and read it.
#include <cstdint>
#include <string>

#include <torchkeep/inspect.h>
#include <torchkeep/load.h>
#include <torchkeep/save.h>

#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <unistd.h>

#include "vgg16_file.h"

namespace torchkeep::bench {
namespace {

std::int64_t minor_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

void load_file(benchmark::State& state, const Vgg16File& file, const LoadOptions& options) {
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

void save_file(benchmark::State& state, const Vgg16File& file, const SaveOptions& options) {
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

void inspect_file(benchmark::State& state, const Vgg16File& file) {
  for (auto _ : state) benchmark::DoNotOptimize(to_json(inspect(file.path())));
}

void register_benchmarks(const Vgg16File& file) {
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
  add("save/cached",
      [&](benchmark::State& state) { save_file(state, file, {.durability = Durability::cached}); });
  add("save/synced", [&](benchmark::State& state) { save_file(state, file, {}); });
  add("inspect", [&](benchmark::State& state) { inspect_file(state, file); });
}

}  // namespace
}  // namespace torchkeep::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const torchkeep::bench::Vgg16File file;
  torchkeep::bench::register_benchmarks(file);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
