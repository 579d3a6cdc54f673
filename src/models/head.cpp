#include "models/head.h"

#include <algorithm>
#include <set>

#include <torchkeep/models.h>

#include "base/fail.h"
#include "models/classifier.h"
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

std::optional<Head> as_head(const std::shared_ptr<torch::nn::Module>& layer) {
  if (auto linear = std::dynamic_pointer_cast<torch::nn::LinearImpl>(layer)) return Head(linear);
  if (auto conv = std::dynamic_pointer_cast<torch::nn::Conv2dImpl>(layer)) return Head(conv);
  return std::nullopt;
}

// The heads, all of which can be replaced.
std::vector<Head> replaceable_heads(const torch::nn::Module& module, std::int64_t num_classes) {
  if (num_classes < 1) {
    fail(ErrorCode::invalid_argument, "a head needs at least one class (got {})", num_classes);
  }
  std::vector<Head> heads = find_heads(module);
  if (heads.empty()) {
    fail_at(ErrorCode::not_found, {},
            "replace_head() needs a module with a torch::nn::Linear in it",
            "{} has no Linear to replace", module.name());
  }
  for (const Head& head : heads) {
    check_not_tied(module, head.weight());
    if (head.bias().defined()) check_not_tied(module, head.bias());
  }
  return heads;
}

void check_distinct(const std::vector<std::string>& classes) {
  std::set<std::string> seen;
  for (const std::string& name : classes) {
    if (seen.insert(name).second) continue;
    fail(ErrorCode::invalid_argument, "the class '{}' is named twice", name);
  }
}

// Copies the rows of the classes that were there before.
void keep_rows(const at::Tensor& before,
               at::Tensor& parameter,
               const std::vector<std::string>& previous,
               const std::vector<std::string>& classes) {
  if (!parameter.defined()) return;
  const torch::NoGradGuard no_grad;
  for (std::size_t row = 0; row < classes.size(); ++row) {
    const auto found = std::ranges::find(previous, classes[row]);
    if (found == previous.end()) continue;
    parameter[static_cast<std::int64_t>(row)].copy_(before[found - previous.begin()]);
  }
}

}  // namespace head_detail

std::int64_t Head::num_classes() const { return weight().size(0); }

at::Tensor& Head::weight() const {
  return std::visit([](const auto& layer) -> at::Tensor& { return layer->weight; }, layer_);
}

at::Tensor& Head::bias() const {
  return std::visit([](const auto& layer) -> at::Tensor& { return layer->bias; }, layer_);
}

void Head::reset(std::int64_t num_classes) const {
  std::visit(
      [num_classes](const auto& layer) {
        resize_outputs(*layer, num_classes);
        layer->reset_parameters();
        layer->weight.set_requires_grad(true);
        if (layer->bias.defined()) layer->bias.set_requires_grad(true);
      },
      layer_);
}

std::vector<Head> find_heads(const torch::nn::Module& module) {
  std::vector<Head> heads;
  const Architecture* architecture =
      dynamic_cast<const Classifier*>(&module) ? find_architecture(module.name()) : nullptr;
  if (!architecture) {
    std::optional<Head> last;
    for (const auto& child : module.modules(/*include_self=*/false)) {
      if (auto linear = std::dynamic_pointer_cast<torch::nn::LinearImpl>(child))
        last = Head(linear);
    }
    if (last) heads.push_back(*last);
    return heads;
  }
  const auto modules = module.named_modules("", /*include_self=*/false);
  for (const std::string& path : architecture->heads) {
    const auto* layer = modules.find(path);
    if (!layer) continue;
    if (const auto head = head_detail::as_head(*layer)) heads.push_back(*head);
  }
  return heads;
}

std::optional<Head> find_head(const torch::nn::Module& module) {
  const std::vector<Head> heads = find_heads(module);
  if (heads.empty()) return std::nullopt;
  return heads.front();
}

void replace_head(torch::nn::Module& module, std::int64_t num_classes) {
  for (const Head& head : head_detail::replaceable_heads(module, num_classes)) {
    head.reset(num_classes);
  }
}

void replace_head(torch::nn::Module& module,
                  const std::vector<std::string>& classes,
                  const std::vector<std::string>& previous) {
  const auto num_classes = static_cast<std::int64_t>(classes.size());
  head_detail::check_distinct(classes);
  head_detail::check_distinct(previous);
  const std::vector<Head> heads = head_detail::replaceable_heads(module, num_classes);
  for (const Head& head : heads) {
    if (head.num_classes() == static_cast<std::int64_t>(previous.size())) continue;
    fail(ErrorCode::invalid_argument, "the head tells {} classes apart (got the names of {})",
         head.num_classes(), previous.size());
  }
  for (const Head& head : heads) {
    const at::Tensor weight = head.weight().detach().clone();
    const at::Tensor bias = head.bias().defined() ? head.bias().detach().clone() : at::Tensor();
    head.reset(num_classes);
    head_detail::keep_rows(weight, head.weight(), previous, classes);
    head_detail::keep_rows(bias, head.bias(), previous, classes);
  }
}

}  // namespace torchkeep
