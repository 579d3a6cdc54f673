// Random state dicts for the exchange with Python.
#pragma once

#include <cstdint>
#include <filesystem>

namespace torchkeep::interop {

// Writes `count` files 0.pt, 1.pt, ... of all element types of PyTorch 1.13, with views, shared
// storages, nested dicts, scalars and empty tensors; each with its manifest, from which Python
// knows what must be in it. The same for the same seed.
void write_random_files(const std::filesystem::path& directory, int count, std::uint64_t seed);

}  // namespace torchkeep::interop
