// The folder that holds all records of a file of torch.save.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <torchkeep/save.h>

namespace torchkeep::pt {

// Whether it is a plain name of one folder in every system.
bool is_root_name(std::string_view name);

// The name that torch.save chooses for a file: what stands after the last slash or backslash and
// before the last dot; "archive" where that would be no safe name of a folder, and in newer layouts
// where the path is not ASCII.
// Throws invalid_argument where nothing stands before the dot.
std::string root_name(const std::filesystem::path& path, Layout layout);

}  // namespace torchkeep::pt
