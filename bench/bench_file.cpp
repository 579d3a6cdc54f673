#include "bench_file.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>

#include <torchkeep/save.h>

#include <benchmark/benchmark.h>

namespace torchkeep::bench {
namespace {

// Values below 1 with a random mantissa: as incompressible as real weights.
Tensor random_tensor(const Shape& shape, std::mt19937_64& random) {
  Storage storage = Storage::allocate(
      static_cast<std::uint64_t>(count_elements(shape)) * sizeof(float), DType::float32);
  const std::span<std::byte> bytes = storage.mutable_bytes();
  for (std::size_t at = 0; at + sizeof(std::uint64_t) <= bytes.size();
       at += sizeof(std::uint64_t)) {
    const std::uint64_t bits = (random() & 0x007FFFFF'007FFFFF) | 0x3F000000'3F000000;
    std::memcpy(bytes.data() + at, &bits, sizeof bits);
  }
  return Tensor(storage, DType::float32, shape);
}

}  // namespace

StateDict vgg16_state_dict() {
  std::mt19937_64 random(16);
  StateDict state_dict;
  const auto add = [&](const std::string& layer, const Shape& weight) {
    state_dict.set(layer + ".weight", random_tensor(weight, random));
    state_dict.set(layer + ".bias", random_tensor({weight[0]}, random));
  };
  struct Convolution {
    int index;
    std::int64_t outputs;
  };
  std::int64_t inputs = 3;
  for (const auto& [index, outputs] : {Convolution{0, 64},
                                       {2, 64},
                                       {5, 128},
                                       {7, 128},
                                       {10, 256},
                                       {12, 256},
                                       {14, 256},
                                       {17, 512},
                                       {19, 512},
                                       {21, 512},
                                       {24, 512},
                                       {26, 512},
                                       {28, 512}}) {
    add("features." + std::to_string(index), {outputs, inputs, 3, 3});
    inputs = outputs;
  }
  add("classifier.0", {4096, 512 * 7 * 7});
  add("classifier.3", {4096, 4096});
  add("classifier.6", {1000, 4096});
  return state_dict;
}

BenchFile::BenchFile() {
  std::string pattern =
      (std::filesystem::temp_directory_path() / "torchkeep-bench-XXXXXX").string();
  const char* given = std::getenv("TORCHKEEP_BENCH_FILE");
  if (given != nullptr) {
    path_ = given;
    pattern = (path_.parent_path() / "torchkeep-bench-XXXXXX").string();
  }
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
  directory_ = pattern;
  if (given == nullptr) {
    path_ = directory_ / "vgg16.pt";
    save(vgg16_state_dict(), path_);
  }
}

BenchFile::~BenchFile() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

int run_benchmarks(int argc, char** argv, const std::function<void(const BenchFile&)>& add) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const BenchFile file;
  add(file);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace torchkeep::bench
