#include "train/frozen_digest.h"

#include <span>

#include <torchkeep/convert.h>

#include <torch/nn/module.h>

#include "base/fail.h"
#include "io/checksum.h"
#include "nn/frozen_modules.h"
#include "nn/module_walk.h"

namespace torchkeep {
namespace frozen_digest_detail {

std::uint32_t checksum(const at::Tensor& tensor) {
  return io::crc32(from_torch(tensor.detach()).contiguous().bytes());
}

}  // namespace frozen_digest_detail

FrozenDigest::FrozenDigest(const torch::nn::Module& module) {
  const auto frozen = frozen_modules(module);
  for_each_module(module, [&](const std::string& path, const torch::nn::Module& each) {
    for (const NamedTensor& own : own_tensors(each, path)) {
      const bool is_parameter = own.role == NamedTensor::Role::parameter;
      if (is_parameter ? own.tensor.requires_grad() : !frozen.contains(&each)) continue;
      entries_.push_back({own.name, own.tensor, frozen_digest_detail::checksum(own.tensor)});
    }
  });
}

void FrozenDigest::check() const {
  for (const Entry& entry : entries_) {
    if (frozen_digest_detail::checksum(entry.tensor) == entry.checksum) continue;
    fail_at(ErrorCode::mismatch, {.tensor = entry.name},
            "keep it out of the optimizer, and train with torchkeep::train(module)",
            "it is frozen and has moved during the training");
  }
}

std::string FrozenDigest::sha256() const {
  io::Sha256 hash;
  for (const Entry& entry : entries_) {
    hash.update(std::as_bytes(std::span(entry.name)));
    hash.update(from_torch(entry.tensor.detach()).contiguous().bytes());
  }
  return hash.hex_digest();
}

}  // namespace torchkeep
