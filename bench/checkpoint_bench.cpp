// What a checkpoint costs the training that saves it. bench/README.md tells how to run and read it.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <torchkeep/checkpoint_manager.h>

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <unistd.h>

#include "bench_file.h"

namespace torchkeep::bench {
namespace {

namespace fs = std::filesystem;
using Saving = CheckpointManagerOptions::Saving;

Tensor tensor_of(std::int64_t elements) {
  Tensor tensor(Storage::allocate(static_cast<std::uint64_t>(elements) * sizeof(float)),
                DType::float32, {elements});
  std::uint32_t bits = 12345;
  for (std::byte& byte : tensor.storage().mutable_bytes()) {
    bits = bits * 1664525 + 1013904223;
    byte = static_cast<std::byte>(bits >> 24);
  }
  return tensor;
}

// The sizes of ResNet-50: 25.6 million parameters in 161 tensors, most of them small.
Value resnet50_parameters() {
  constexpr int kTensors = 161;
  constexpr std::int64_t kLarge = 478'000;
  constexpr std::int64_t kSmall = 1'000;
  Dict parameters(Dict::Type::ordered);
  for (int i = 0; i < kTensors; ++i) {
    parameters.set(fmt::format("layer.{}", i), tensor_of(i % 3 == 0 ? kLarge : kSmall));
  }
  return Value(std::move(parameters));
}

// With both moments of Adam.
Value resnet50_with_adam() {
  return dict({{"epoch", 0},
               {"model_state_dict", resnet50_parameters()},
               {"optimizer_state_dict", dict({{"exp_avg", resnet50_parameters()},
                                              {"exp_avg_sq", resnet50_parameters()}})}});
}

// VGG16 with frozen features of the base, and a head for two classes that is trained.
Value vgg16_with_new_head() {
  Value parameters(vgg16_state_dict());
  parameters.as_dict().set("classifier.6.weight", tensor_of(2 * 4096));
  parameters.as_dict().set("classifier.6.bias", tensor_of(2));
  return dict({{"epoch", 0}, {"model_state_dict", parameters}});
}

// How long save() keeps the training waiting; a save in the background ends outside of that.
void save_checkpoint(benchmark::State& state,
                     const fs::path& directory,
                     const CheckpointManagerOptions& options,
                     const std::function<Value()>& make) {
  const Value checkpoint = make();
  std::uint64_t bytes = 0;
  {
    CheckpointManager manager(directory, options);
    manager.save(checkpoint, {});  // memory and file system are warm afterwards
    manager.wait();
    for (auto _ : state) {
      state.PauseTiming();
      manager.wait();
      sync();  // what is still to be written would be written meanwhile
      state.ResumeTiming();
      manager.save(checkpoint, {});
    }
    manager.wait();
    bytes = manager.last()->file_bytes;
  }
  state.counters["file_bytes"] = static_cast<double>(bytes);
  fs::remove_all(directory);
}

void register_benchmarks(const BenchFile& file) {
  const fs::path directory = file.output().parent_path() / "run";
  const auto add = [](const char* name, auto run) {
    benchmark::RegisterBenchmark(name, run)->Unit(benchmark::kMillisecond)->UseRealTime();
  };
  const CheckpointManagerOptions blocking{.filename = "{epoch}"};
  CheckpointManagerOptions background = blocking;
  background.saving = Saving::in_background;
  CheckpointManagerOptions delta = blocking;
  delta.delta_base = file.path();
  CheckpointManagerOptions background_delta = delta;
  background_delta.saving = Saving::in_background;
  const auto add_save = [&](const char* name, CheckpointManagerOptions options, auto make) {
    add(name, [=](benchmark::State& state) { save_checkpoint(state, directory, options, make); });
  };
  add_save("resnet50_adam/blocking", blocking, resnet50_with_adam);
  add_save("resnet50_adam/background", background, resnet50_with_adam);
  add_save("vgg16_new_head/whole", blocking, vgg16_with_new_head);
  add_save("vgg16_new_head/delta", delta, vgg16_with_new_head);
  add_save("vgg16_new_head/delta/background", background_delta, vgg16_with_new_head);
}

}  // namespace
}  // namespace torchkeep::bench

int main(int argc, char** argv) {
  return torchkeep::bench::run_benchmarks(argc, argv, torchkeep::bench::register_benchmarks);
}
