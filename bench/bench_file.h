// The file that the benchmarks load and save: the weights of VGG16, 528 MB, unless another is
// given.
#pragma once

#include <filesystem>
#include <functional>

#include <torchkeep/state_dict.h>

namespace torchkeep::bench {

// The parameters of VGG16 in torchvision's names and shapes, with pseudo-random values.
StateDict vgg16_state_dict();

// The directory and the file that the benchmarks use. The file is the one that the environment
// variable TORCHKEEP_BENCH_FILE names, and is written next to it or into the directory for
// temporary files otherwise. What was written is removed at the end.
class BenchFile {
 public:
  BenchFile();
  ~BenchFile();
  BenchFile(const BenchFile&) = delete;
  BenchFile& operator=(const BenchFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // Where a benchmark may write a file.
  std::filesystem::path output() const { return directory_ / "saved.pt"; }

 private:
  std::filesystem::path directory_;
  std::filesystem::path path_;
};

// The main function of a program of benchmarks: `add` registers those that use the file.
int run_benchmarks(int argc, char** argv, const std::function<void(const BenchFile&)>& add);

}  // namespace torchkeep::bench
