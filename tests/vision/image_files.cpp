#include "vision/image_files.h"

#include <cstdio>  // before jpeglib.h, which needs FILE
#include <cstdlib>
#include <stdexcept>

#include <jpeglib.h>
#include <png.h>

#include "support/test_file.h"

namespace torchkeep::testing {

namespace image_files_detail {

// Without the library's own, so that tests of the program need not link it.
Image black_image(int width, int height, int channels) {
  Image image{.width = width, .height = height, .channels = channels};
  image.pixels.resize(image.row_bytes() * static_cast<std::size_t>(height));
  return image;
}

}  // namespace image_files_detail

Image plain_image(int width, int height, std::uint8_t value, int channels) {
  Image image = image_files_detail::black_image(width, height, channels);
  image.pixels.assign(image.pixels.size(), value);
  return image;
}

Image busy_image(int width, int height, int channels) {
  Image image = image_files_detail::black_image(width, height, channels);
  std::uint32_t state = 1;
  for (std::uint8_t& pixel : image.pixels) {
    state = state * 1664525 + 1013904223;
    pixel = static_cast<std::uint8_t>(state >> 24);
  }
  return image;
}

void write_png(const std::filesystem::path& path, const Image& image) {
  std::filesystem::create_directories(path.parent_path());
  png_image png = {};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(image.width);
  png.height = static_cast<png_uint_32>(image.height);
  png.format = image.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  if (png_image_write_to_file(&png, path.c_str(), 0, image.pixels.data(), 0, nullptr) == 0) {
    throw std::runtime_error(png.message);
  }
}

void write_jpeg(const std::filesystem::path& path, const Image& image, int quality) {
  std::filesystem::create_directories(path.parent_path());
  jpeg_compress_struct info = {};
  jpeg_error_mgr errors = {};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &memory, &size);
  info.image_width = static_cast<JDIMENSION>(image.width);
  info.image_height = static_cast<JDIMENSION>(image.height);
  info.input_components = image.channels;
  info.in_color_space = image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    auto* row = const_cast<JSAMPROW>(image.row(static_cast<int>(info.next_scanline)));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  write_content(path, std::string(reinterpret_cast<char*>(memory), size));
  std::free(memory);
}

}  // namespace torchkeep::testing
