// Loading a file into a module that exists. bench/README.md tells how to run and read it.
#include <cstdint>
#include <string>

#include <torchkeep/convert.h>
#include <torchkeep/load.h>
#include <torchkeep/module.h>

#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <torch/nn/module.h>

#include "bench_file.h"

namespace torchkeep::bench {
namespace {

rusage usage() {
  rusage result{};
  getrusage(RUSAGE_SELF, &result);
  return result;
}

// A module with the parameters of a state dict, whatever its form.
class Parameters : public torch::nn::Module {
 public:
  explicit Parameters(const StateDict& state_dict) {
    for (const StateDict::Entry& entry : state_dict) {
      torch::nn::Module* module = this;
      std::string name = entry.name;
      for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.')) {
        module = &child(*module, name.substr(0, dot));
        name = name.substr(dot + 1);
      }
      module->register_parameter(name, to_torch(entry.tensor.contiguous()));
    }
  }

 private:
  static torch::nn::Module& child(torch::nn::Module& parent, const std::string& name) {
    for (const auto& each : parent.named_children()) {
      if (each.key() == name) return *each.value();
    }
    return *parent.register_module(name, std::make_shared<torch::nn::Module>());
  }
};

void load_into(benchmark::State& state, const BenchFile& file, const LoadOptions& options) {
  Parameters module(load(file.path()).as_state_dict());
  const rusage before = usage();
  for (auto _ : state) load_state_dict(module, load(file.path(), options));
  const rusage after = usage();
  state.counters["minor_faults"] = benchmark::Counter(
      static_cast<double>(after.ru_minflt - before.ru_minflt), benchmark::Counter::kAvgIterations);
  // Mapped pages of the file are counted too; they are the system's, not the process's.
  state.counters["peak_growth_mb"] = static_cast<double>(after.ru_maxrss - before.ru_maxrss) / 1024;
}

void register_benchmarks(const BenchFile& file) {
  const auto add = [&](const char* name, const LoadOptions& options) {
    benchmark::RegisterBenchmark(
        name, [&file, options](benchmark::State& state) { load_into(state, file, options); })
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  };
  add("module/map", {.access = Access::map});
  add("module/map/verified", {.access = Access::map, .verify = Verify::everything});
  add("module/read", {});
}

}  // namespace
}  // namespace torchkeep::bench

int main(int argc, char** argv) {
  return torchkeep::bench::run_benchmarks(argc, argv, torchkeep::bench::register_benchmarks);
}
