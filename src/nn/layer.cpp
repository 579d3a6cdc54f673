#include "nn/layer.h"

#include <utility>

#include <torch/nn/module.h>

#include "base/fail.h"

namespace torchkeep {

thread_local LayerObserver* LayerObserver::current = nullptr;

LayerObserver::LayerObserver(Observe observe)
    : observe_(std::move(observe)), before_(std::exchange(current, this)) {}

LayerObserver::~LayerObserver() { current = before_; }

at::Tensor Layer::operator()(const at::Tensor& x) const {
  if (!forward) {
    fail_at(ErrorCode::unsupported, {}, "call the module itself, by its C++ class",
            "{} does not take one tensor", module->name());
  }
  at::Tensor result = forward(x);
  if (LayerObserver::current) LayerObserver::current->observe_(*module, result);
  return result;
}

}  // namespace torchkeep
