#include "inspect/lost_in_conversion.h"

#include <unordered_map>

#include <fmt/format.h>

#include "base/table.h"
#include "inspect/frozen_names.h"

namespace torchkeep::inspection {
namespace {

// How many tensors use the memory that begins at an address.
using Users = std::unordered_map<const std::byte*, int>;

Users users_of(const StateDict& tensors) {
  Users users;
  for (const auto& [name, tensor] : tensors) ++users[tensor.storage().bytes().data()];
  return users;
}

bool is_shared(const Tensor& tensor, const Users& users) {
  return tensor.numel() > 0 && users.at(tensor.storage().bytes().data()) > 1;
}

template <class Predicate>
std::size_t count(const StateDict& tensors, Predicate predicate) {
  std::size_t found = 0;
  for (const auto& [name, tensor] : tensors) found += predicate(tensor) ? 1 : 0;
  return found;
}

std::string verb(std::size_t count, const char* one, const char* many) {
  return count == 1 ? one : many;
}

}  // namespace

std::vector<std::string> lost_in_conversion(const Value& value, const StateDict& tensors) {
  std::vector<std::string> warnings;
  const Users users = users_of(tensors);
  const std::size_t sharing =
      count(tensors, [&](const Tensor& tensor) { return is_shared(tensor, users); });
  if (sharing > 0) {
    warnings.push_back(
        fmt::format("{} memory with another one: each is written with bytes of its own",
                    counted(sharing, "tensor") + verb(sharing, " shares", " share")));
  }
  const std::size_t strided =
      count(tensors, [](const Tensor& tensor) { return !tensor.is_contiguous(); });
  if (strided > 0) {
    warnings.push_back(fmt::format("{} strides: written in row-major order",
                                   counted(strided, "tensor") + verb(strided, " has", " have")));
  }
  const std::size_t flagged = count(tensors, [](const Tensor& tensor) {
    return tensor.requires_grad() || tensor.is_parameter();
  });
  if (flagged > 0) {
    warnings.push_back(fmt::format("{} a parameter or had requires_grad: not kept",
                                   counted(flagged, "tensor") + verb(flagged, " was", " were")));
  }
  const std::size_t frozen = frozen_names(value).size();
  if (frozen > 0) {
    warnings.push_back(fmt::format("{} frozen: not kept",
                                   counted(frozen, "parameter") + verb(frozen, " is", " are")));
  }
  return warnings;
}

StateDict on_their_own(const StateDict& tensors) {
  const Users users = users_of(tensors);
  StateDict result;
  for (const auto& [name, tensor] : tensors) {
    const bool is_ready = tensor.is_contiguous() && !is_shared(tensor, users);
    result.set(name, is_ready ? tensor : tensor.contiguous());
  }
  result.set_metadata(tensors.metadata());
  return result;
}

}  // namespace torchkeep::inspection
