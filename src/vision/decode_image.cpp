#include <string_view>

#include <torchkeep/image.h>

#include "base/fail.h"
#include "io/atomic_file.h"
#include "vision/decoder.h"

namespace torchkeep {

namespace decode_image_detail {

using Decode = DecodedImage (*)(std::span<const std::byte>, const DecodeOptions&);

// The formats, by how their files begin. A null decoder: known, but not read here.
struct ImageFormat {
  std::string_view name;
  std::string_view begins_with;
  std::string_view then_at_8 = "";
  Decode decode = nullptr;
};

using namespace std::string_view_literals;
constexpr ImageFormat kFormats[] = {
    {"JPEG", "\xff\xd8\xff"sv, "", decode_jpeg},
    {"PNG", "\x89PNG\r\n\x1a\n"sv, "", decode_png},
    {"WebP", "RIFF"sv, "WEBP"sv, decode_webp},
    {"GIF", "GIF8"sv},
    {"TIFF", "II*\0"sv},
    {"TIFF", "MM\0*"sv},
    {"BMP", "BM"sv},
    {"PNM", "P5"sv},
    {"PNM", "P6"sv},
};

const ImageFormat* find_format(std::string_view content) {
  for (const ImageFormat& format : kFormats) {
    if (content.starts_with(format.begins_with) &&
        (format.then_at_8.empty() ||
         (content.size() > 8 && content.substr(8).starts_with(format.then_at_8)))) {
      return &format;
    }
  }
  return nullptr;
}

}  // namespace decode_image_detail

void check_image_size(std::int64_t width, std::int64_t height, const DecodeOptions& options) {
  if (width < 1 || height < 1) {
    fail(ErrorCode::corrupt, "the image is said to be of {}x{} pixels", width, height);
  }
  if (width > options.max_pixels / height) {
    fail(ErrorCode::unsafe, "the image is said to be of {}x{} pixels (expected at most {} in all)",
         width, height, options.max_pixels);
  }
}

void check_pixels_fit(std::int64_t width,
                      std::int64_t height,
                      std::size_t bytes,
                      double pixels_per_byte) {
  if (static_cast<double>(width) * static_cast<double>(height) <=
      pixels_per_byte * static_cast<double>(bytes)) {
    return;
  }
  fail(ErrorCode::corrupt, "the image is said to be of {}x{} pixels, which {} bytes cannot hold",
       width, height, bytes);
}

Image decode_image(std::span<const std::byte> bytes, const DecodeOptions& options) {
  if (options.channels != 1 && options.channels != 3) {
    fail(ErrorCode::invalid_argument, "images are decoded to 1 or 3 channels (got {})",
         options.channels);
  }
  const std::string_view content(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto* format = decode_image_detail::find_format(content);
  if (format == nullptr) {
    fail(ErrorCode::unsupported, "is no image that is known here (expected JPEG, PNG or WebP)");
  }
  if (format->decode == nullptr) {
    fail_at(ErrorCode::unsupported, {}, "convert it to PNG",
            "is a {} image (expected JPEG, PNG or WebP)", format->name);
  }
  DecodedImage decoded = format->decode(bytes, options);
  const bool turns = options.orientation == Orientation::from_exif && decoded.exif_orientation != 1;
  Image image =
      turns ? oriented(decoded.image, decoded.exif_orientation) : std::move(decoded.image);
  return image.channels == options.channels ? image : with_channels(image, options.channels);
}

Image read_image(const std::filesystem::path& path, const DecodeOptions& options) {
  try {
    const std::string content = io::read_file(path);
    return decode_image(std::as_bytes(std::span(content)), options);
  } catch (Error& error) {
    error.add_place({.path = path.string()});
    throw;
  }
}

}  // namespace torchkeep
