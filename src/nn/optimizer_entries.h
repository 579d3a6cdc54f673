// What Python keeps in a group of an optimizer and LibTorch has no place for: initial_lr, foreach,
// whether a number is an int. It travels inside the options of the group.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include <torchkeep/value.h>

#include <ATen/core/ivalue.h>  // before Tensor.h: clang 14 needs it to compile LibTorch 1.13 in C++20
#include <ATen/core/Tensor.h>
#include <torch/optim/optimizer.h>

namespace torchkeep {

// All entries of a group's dict but `params` and `param_names`, as they were loaded or set.
class PythonEntries {
 public:
  explicit PythonEntries(Dict entries) : entries_(std::move(entries)) {}
  virtual ~PythonEntries() = default;
  const Dict& entries() const { return entries_; }

 protected:
  PythonEntries(const PythonEntries&) = default;
  PythonEntries& operator=(const PythonEntries&) = default;

 private:
  Dict entries_;
};

template <class Options>
class OptionsWithEntries : public Options, public PythonEntries {
 public:
  OptionsWithEntries(const Options& options, Dict entries)
      : Options(options), PythonEntries(std::move(entries)) {}
  OptionsWithEntries(const OptionsWithEntries&) = default;

  std::unique_ptr<torch::optim::OptimizerOptions> clone() const override {
    return std::make_unique<OptionsWithEntries>(*this);
  }
};

// The dict of a group without its parameters: what the options hold now, and what else Python has.
Dict group_entries(const torch::optim::Optimizer& optimizer,
                   const torch::optim::OptimizerParamGroup& group);

// Sets the options among `entries` and keeps the others for later. Throws mismatch.
void set_group_entries(const torch::optim::Optimizer& optimizer,
                       torch::optim::OptimizerParamGroup& group,
                       const Dict& entries);

}  // namespace torchkeep
