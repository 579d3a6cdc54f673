// Small images for tests, and files of them.
#pragma once

#include <cstdint>
#include <filesystem>

#include <torchkeep/image.h>

namespace torchkeep::testing {

// The same value everywhere.
Image plain_image(int width, int height, std::uint8_t value, int channels = 3);

// Every pixel another one, as far as bytes go.
Image busy_image(int width, int height, int channels = 3);

// Folders on the way are made.
void write_png(const std::filesystem::path& path, const Image& image);
void write_jpeg(const std::filesystem::path& path, const Image& image, int quality = 95);

}  // namespace torchkeep::testing
