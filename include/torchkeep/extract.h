// One part of a file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include <torchkeep/limits.h>
#include <torchkeep/value.h>

namespace torchkeep {

// The tensor, other value or container with that dotted name, as inspect() lists them. The file is
// mapped: only what is used later is read, and checksums of tensors are not compared. A tensor has
// a storage of its own size, however large the one in the file is. Throws as load(); not_found,
// with the most similar name as advice.
Value extract(const std::filesystem::path& path, std::string_view name, const Limits& limits = {});

// The elements in nested brackets, as Python writes lists: "[[1.0, 2.0], [3.0, nan]]". Throws
// unsupported for types without numbers and invalid_argument for more than `max_elements`.
std::string elements_to_string(const Tensor& tensor, std::int64_t max_elements = 1000);

}  // namespace torchkeep
