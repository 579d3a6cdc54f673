// A hash that differs from process to process: no file can choose keys that collide.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace torchkeep {

// For unordered containers whose keys come from a file.
struct SeededHash {
  std::size_t operator()(std::string_view bytes) const;
  std::size_t operator()(std::uint64_t number) const;
};

}  // namespace torchkeep
