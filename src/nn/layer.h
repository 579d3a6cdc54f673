// A module that can be called, whatever its class.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include <ATen/core/ivalue.h>  // before Tensor.h: clang 14 needs it to compile LibTorch 1.13 in C++20
#include <ATen/core/Tensor.h>

namespace torch::nn {
class Module;
}

namespace torchkeep {

struct Layer {
  using Forward = std::function<at::Tensor(const at::Tensor&)>;
  struct Member {
    std::string_view name;
    at::Tensor* tensor;  // in the module
  };

  std::shared_ptr<torch::nn::Module> module;
  // Empty for a class that does not take one tensor. Of a class that gives a tuple, its first part.
  Forward forward = {};
  bool gives_tuple = false;
  std::vector<Member> members = {};  // what the forward computes with, by the parameter's name

  // Throws unsupported, naming the class, where there is no forward.
  at::Tensor operator()(const at::Tensor& x) const;
};

// While one is alive, it is told what the layers give that this thread calls.
class LayerObserver {
 public:
  using Observe = std::function<void(const torch::nn::Module&, const at::Tensor& result)>;

  explicit LayerObserver(Observe observe);
  ~LayerObserver();
  LayerObserver(const LayerObserver&) = delete;
  LayerObserver& operator=(const LayerObserver&) = delete;

 private:
  friend struct Layer;
  static thread_local LayerObserver* current;
  Observe observe_;
  LayerObserver* before_;
};

// The layer of a module that takes one tensor and gives one.
template <class Impl>
requires requires(Impl& module, const at::Tensor& x) { at::Tensor(module.forward(x)); }
Layer callable(const std::shared_ptr<Impl>& module) {
  return {module, [module](const at::Tensor& x) { return module->forward(x); }};
}
// Of its holder.
template <class Holder>
requires requires(const Holder& holder) { callable(holder.ptr()); }
Layer callable(const Holder& holder) { return callable(holder.ptr()); }

}  // namespace torchkeep
