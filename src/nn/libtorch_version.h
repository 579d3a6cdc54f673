// The only place that knows how LibTorch's interface differs between its releases.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <sstream>
#include <type_traits>
#include <utility>

#include <ATen/core/ivalue.h>  // before Tensor.h: clang 14 needs it to compile LibTorch 1.13 in C++20
#include <ATen/autocast_mode.h>
#include <ATen/core/Tensor.h>
#include <c10/core/Allocator.h>
#include <torch/optim/optimizer.h>
#include <torch/version.h>

namespace torchkeep {

// "1.13.1"
inline constexpr const char* kLibTorchVersion = TORCH_VERSION;

// What Optimizer::state() is keyed by: the address of the parameter's implementation, which is
// written out as text up to LibTorch 2.0 and a pointer in later releases.
using OptimizerStateMap =
    std::remove_cvref_t<decltype(std::declval<torch::optim::Optimizer&>().state())>;

template <class Map = OptimizerStateMap>
typename Map::key_type optimizer_state_key(const at::Tensor& parameter) {
  if constexpr (std::is_pointer_v<typename Map::key_type>) {
    return parameter.unsafeGetTensorImpl();
  } else {
    std::ostringstream text;
    text << parameter.unsafeGetTensorImpl();
    return text.str();
  }
}

// The first byte of a storage; LibTorch 2.1 made the result of data() const.
inline void* storage_data(const c10::Storage& storage) {
  return const_cast<void*>(static_cast<const void*>(storage.data()));
}

// How often the values of a tensor were changed in place.
inline std::uint32_t tensor_version(const at::Tensor& tensor) {
  return static_cast<std::uint32_t>(tensor._version());
}

// While one is alive, operations on the CPU choose between float32 and this type; without a type
// they do not choose.
class CpuAutocast {
 public:
  explicit CpuAutocast(std::optional<at::ScalarType> type)
      : was_enabled_(at::autocast::is_cpu_enabled()),
        type_before_(at::autocast::get_autocast_cpu_dtype()) {
    if (type) at::autocast::set_autocast_cpu_dtype(*type);
    at::autocast::set_cpu_enabled(type.has_value());
  }
  ~CpuAutocast() {
    at::autocast::clear_cache();
    at::autocast::set_cpu_enabled(was_enabled_);
    at::autocast::set_autocast_cpu_dtype(type_before_);
  }
  CpuAutocast(const CpuAutocast&) = delete;
  CpuAutocast& operator=(const CpuAutocast&) = delete;

 private:
  bool was_enabled_;
  at::ScalarType type_before_;
};

// What an allocator derives from. Later releases than 1.13 made allocate() not const and ask for
// copy_data().
class CpuAllocator : public c10::Allocator {
 public:
  virtual c10::DataPtr take(std::size_t bytes) const = 0;

  c10::DataPtr allocate(std::size_t bytes) const { return take(bytes); }
  c10::DataPtr allocate(std::size_t bytes) { return take(bytes); }
  void copy_data(void* to, const void* from, std::size_t bytes) const {
    std::memcpy(to, from, bytes);
  }
};

// Whether this LibTorch has the element type of that number.
inline bool has_scalar_type(int number) {
  return number < static_cast<int>(c10::ScalarType::Undefined);
}

}  // namespace torchkeep
