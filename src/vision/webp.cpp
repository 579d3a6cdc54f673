#include <webp/decode.h>

#include "base/fail.h"
#include "vision/decoder.h"

namespace torchkeep {

DecodedImage decode_webp(std::span<const std::byte> bytes, const DecodeOptions& options) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  WebPBitstreamFeatures features = {};
  if (WebPGetFeatures(data, bytes.size(), &features) != VP8_STATUS_OK) {
    fail(ErrorCode::corrupt, "the WebP image is damaged or cut off");
  }
  if (features.has_animation != 0) {
    fail(ErrorCode::unsupported, "is an animated WebP image (expected a single one)");
  }
  check_image_size(features.width, features.height, options);
  DecodedImage decoded;
  decoded.image = make_image(features.width, features.height, 3);
  Image& image = decoded.image;
  if (WebPDecodeRGBInto(data, bytes.size(), image.pixels.data(), image.pixels.size(),
                        static_cast<int>(image.row_bytes())) == nullptr) {
    fail(ErrorCode::corrupt, "the WebP image is damaged or cut off");
  }
  return decoded;
}

}  // namespace torchkeep
