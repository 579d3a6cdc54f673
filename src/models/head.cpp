#include "models/head.h"

#include <torchkeep/models.h>

#include "base/fail.h"
#include "models/layers.h"

namespace torchkeep {

namespace head_detail {

// Throws if the tensor is a parameter under more than one name.
void check_not_tied(const torch::nn::Module& module, const at::Tensor& parameter) {
  std::string first;
  for (const auto& item : module.named_parameters()) {
    if (!item.value().is_same(parameter)) continue;
    if (first.empty()) {
      first = item.key();
      continue;
    }
    fail_at(ErrorCode::invalid_argument, {.tensor = first},
            "give the head parameters of its own before replacing it",
            "the head shares this parameter with {}", item.key());
  }
}

}  // namespace head_detail

std::shared_ptr<torch::nn::LinearImpl> find_head(const torch::nn::Module& module) {
  std::shared_ptr<torch::nn::LinearImpl> last;
  for (const auto& child : module.modules(/*include_self=*/false)) {
    if (auto linear = std::dynamic_pointer_cast<torch::nn::LinearImpl>(child)) last = linear;
  }
  return last;
}

void replace_head(torch::nn::Module& module, std::int64_t num_classes) {
  if (num_classes < 1) {
    fail(ErrorCode::invalid_argument, "a head needs at least one class (got {})", num_classes);
  }
  const auto head = find_head(module);
  if (!head) {
    fail_at(ErrorCode::not_found, {},
            "replace_head() needs a module with a torch::nn::Linear in it",
            "{} has no Linear to replace", module.name());
  }
  head_detail::check_not_tied(module, head->weight);
  if (head->bias.defined()) head_detail::check_not_tied(module, head->bias);
  resize_outputs(*head, num_classes);
  head->reset_parameters();
  head->weight.set_requires_grad(true);
  if (head->bias.defined()) head->bias.set_requires_grad(true);
}

}  // namespace torchkeep
