// A moving average of a model's weights, which often does better than the weights themselves.
#pragma once

#include <vector>

#include <torchkeep/state_dict.h>

#include <ATen/core/ivalue.h>  // before Tensor.h: clang 14 needs it to compile LibTorch 1.13 in C++20
#include <ATen/core/Tensor.h>

namespace torch::nn {
class Module;
}

namespace torchkeep {

// An exponential moving average: average = decay * average + (1 - decay) * parameter after each
// step, as torch.optim.swa_utils.AveragedModel computes it with such an avg_fn. Buffers are copied,
// and so are parameters of integers. Not synchronised.
class Ema {
 public:
  // Begins with the module as it is. The module is kept as a reference. Throws invalid_argument
  // unless 0 <= decay < 1.
  Ema(const torch::nn::Module& module, double decay);

  double decay() const { return decay_; }
  void update();   // once after each step of the optimizer
  void restart();  // begins again with the module as it is

  // Under the names of the module; views the averages. Checkpoints hold it as `ema_state_dict`.
  StateDict state_dict() const;
  // Throws MismatchError where names or shapes are not those of the module.
  void check(const Value& state_dict) const;
  // As check(), before anything changes.
  void load_state_dict(const Value& state_dict);

  // Exchanges the averages and the values in the module.
  void swap();

 private:
  const torch::nn::Module& module_;
  double decay_;
  std::vector<at::Tensor> parameters_;         // of the module, to be averaged
  std::vector<at::Tensor> averages_;           // of those
  std::vector<at::Tensor> buffers_;            // what is copied
  std::vector<at::Tensor> copies_;             // of those
  std::vector<at::Tensor> in_order_of_names_;  // averages and copies, as state_dict() has them
};

// While it lives the module holds the averages.
class WithAverages {
 public:
  explicit WithAverages(Ema& ema) : ema_(ema) { ema_.swap(); }
  ~WithAverages() { ema_.swap(); }
  WithAverages(const WithAverages&) = delete;
  WithAverages& operator=(const WithAverages&) = delete;

 private:
  Ema& ema_;
};

}  // namespace torchkeep
