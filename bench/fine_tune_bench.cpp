// Trains the head of a frozen classifier on a folder of images and prints how long each epoch took,
// as JSON. Started by fine_tune_with_python.py, which says what the arguments are.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include <torchkeep/batch_source.h>
#include <torchkeep/caching_allocator.h>
#include <torchkeep/feature_cache.h>
#include <torchkeep/fine_tune.h>
#include <torchkeep/freeze.h>
#include <torchkeep/models.h>
#include <torchkeep/trainer.h>

#include <ATen/Context.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <torch/optim/adam.h>

namespace torchkeep::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Arguments {
  std::string model;
  std::filesystem::path folder;
  int size;
  std::int64_t batch_size;
  int epochs;
  std::string mode;  // plain, exact, compiled, bfloat16 or cached
};

std::int64_t minor_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

// Notes when each epoch ended.
class Watch : public TrainingObserver {
 public:
  void on_batch(int, std::int64_t, std::int64_t, double) override { ++steps_; }
  void on_epoch(int, const Metrics& metrics) override {
    lap();
    faults_.push_back(static_cast<double>(minor_faults() - faults_before_) /
                      static_cast<double>(steps_));
    losses_.push_back(metrics.at("train_loss"));
    restart();
  }
  nlohmann::ordered_json json() const {
    return {{"seconds", seconds_}, {"faults_per_step", faults_}, {"losses", losses_}};
  }

 private:
  void lap() { seconds_.push_back(std::chrono::duration<double>(Clock::now() - start_).count()); }
  void restart() {
    start_ = Clock::now();
    faults_before_ = minor_faults();
    steps_ = 0;
  }

  Clock::time_point start_ = Clock::now();
  std::int64_t faults_before_ = minor_faults();
  std::int64_t steps_ = 0;
  std::vector<double> seconds_;
  std::vector<double> faults_;
  std::vector<double> losses_;
};

std::optional<FrozenBackboneOptions> backbone_of(const std::string& mode) {
  if (mode == "plain") return std::nullopt;
  FrozenBackboneOptions options;
  if (mode == "exact") options.kernels = FrozenBackboneOptions::Kernels::exact;
  if (mode == "bfloat16") options.precision = FrozenBackboneOptions::Precision::bfloat16;
  return options;
}

void run(const Arguments& arguments) {
  if (arguments.mode != "plain") install_caching_allocator();
  at::manual_seed(0);
  const Preprocessing preprocessing{
      .resize = arguments.size + arguments.size / 7,
      .crop = arguments.size,
      .normalisation = {.mean = {0.485, 0.456, 0.406}, .std = {0.229, 0.224, 0.225}}};
  Dataset dataset = load_image_folder(arguments.folder);
  Model model = models::create(arguments.model, {.num_classes = 2});
  freeze_to(*model, -1);
  torch::optim::Adam optimizer(parameter_groups(*model).front().parameters);
  Watch watch;  // the first epoch has to pay for what the later ones save
  TrainerOptions options{.epochs = arguments.epochs,
                         .directory = std::filesystem::temp_directory_path() / "fine_tune_bench",
                         .checkpoints = {.monitor = "train_loss", .save_top_k = 0},
                         .early_stopping = std::nullopt,
                         .at_the_end = TrainerOptions::AtTheEnd::keep_last,
                         .frozen_backbone = backbone_of(arguments.mode)};
  if (arguments.mode == "cached") {
    const auto file = options.directory / "features.safetensors";
    std::filesystem::create_directories(options.directory);
    std::filesystem::remove(file);
    const CachedFeatures cached = cache_features(
        model, dataset, file, {.preprocessing = preprocessing, .batch_size = arguments.batch_size});
    dataset = cached.features;
    model = model_of_features(model, cached.image);
    options.frozen_backbone.reset();
  }
  BatchSource batches(dataset, {.batch_size = arguments.batch_size,
                                .order = BatchOptions::Order::shuffled,
                                .preprocessing = preprocessing});
  Trainer(model, optimizer, options).fit(batches, nullptr, &watch);
  std::filesystem::remove_all(options.directory);
  std::printf("%s\n", watch.json().dump().c_str());
}

}  // namespace
}  // namespace torchkeep::bench

int main(int argc, char** argv) {
  if (argc != 7) {
    std::fprintf(stderr, "usage: %s MODEL FOLDER SIZE BATCH_SIZE EPOCHS MODE\n", argv[0]);
    return 2;
  }
  try {
    torchkeep::bench::run(
        {argv[1], argv[2], std::atoi(argv[3]), std::atoi(argv[4]), std::atoi(argv[5]), argv[6]});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    return 3;
  }
  return 0;
}
