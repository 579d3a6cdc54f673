// Images from files to batches: image_bench FOLDER [options of Google Benchmark], where the folder
// has one for each class. bench/README.md tells how to run and read it.
#include <cstdint>
#include <cstdio>
#include <string>

#include <torchkeep/batch_source.h>
#include <torchkeep/hub.h>

#include <benchmark/benchmark.h>

namespace torchkeep::bench {
namespace {

Preprocessing preset() { return published_weights("resnet18", "DEFAULT").preprocessing; }

std::int64_t count_of(const Dataset& dataset) {
  return static_cast<std::int64_t>(dataset.files.size());
}

void decode(benchmark::State& state, const Dataset& dataset) {
  for (auto _ : state) {
    for (const auto& file : dataset.files) benchmark::DoNotOptimize(read_image(file).pixels.data());
  }
  state.SetItemsProcessed(state.iterations() * count_of(dataset));
}

void resize_and_crop(benchmark::State& state, const Dataset& dataset) {
  std::vector<Image> images;
  for (const auto& file : dataset.files) images.push_back(read_image(file));
  for (auto _ : state) {
    for (const Image& image : images) {
      benchmark::DoNotOptimize(preprocess_pixels(image, preset()).pixels.data());
    }
  }
  state.SetItemsProcessed(state.iterations() * count_of(dataset));
}

void epoch(benchmark::State& state, const Dataset& dataset, const BatchOptions& options) {
  BatchSource batches(dataset, options);
  for (auto _ : state) {
    batches.start_epoch(0);
    for (Batch batch; batches.next(batch);) benchmark::DoNotOptimize(batch.images.data_ptr());
  }
  state.SetItemsProcessed(state.iterations() * count_of(dataset));
}

template <class Run>
void add(const char* name, Run run) {
  benchmark::RegisterBenchmark(name, run)->Unit(benchmark::kMillisecond)->UseRealTime();
}

int run(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER [--benchmark_...]\n", argv[0]);
    return 2;
  }
  const Dataset dataset = load_image_folder(argv[1]);
  const BatchOptions plain{.batch_size = 32, .preprocessing = preset(), .workers = 1};
  BatchOptions both = plain;
  both.workers = 2;
  BatchOptions reduced = both;
  reduced.preprocessing.jpeg_scale = JpegScale::reduced;
  BatchOptions augmented = both;
  augmented.augmentation = parse_augmentation("crop,flip,jitter");
  add("decode", [&](benchmark::State& state) { decode(state, dataset); });
  add("resize_and_crop", [&](benchmark::State& state) { resize_and_crop(state, dataset); });
  add("epoch/workers:1", [&](benchmark::State& state) { epoch(state, dataset, plain); });
  add("epoch/workers:2", [&](benchmark::State& state) { epoch(state, dataset, both); });
  add("epoch/workers:2/reduced", [&](benchmark::State& state) { epoch(state, dataset, reduced); });
  add("epoch/workers:2/augmented",
      [&](benchmark::State& state) { epoch(state, dataset, augmented); });
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace
}  // namespace torchkeep::bench

int main(int argc, char** argv) {
  try {
    return torchkeep::bench::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "image_bench: %s\n", error.what());
    return 3;
  }
}
