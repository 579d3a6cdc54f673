#include <span>

#include <torchkeep/image.h>

#include <gmock/gmock.h>

#include "support/expect_error.h"
#include "support/shared_data.h"
#include "support/temporary_directory.h"
#include "support/test_file.h"
#include "vision/image_files.h"

namespace torchkeep {
namespace decode_image_test {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Image decode(const std::string& content, const DecodeOptions& options = {}) {
  return decode_image(std::as_bytes(std::span(content)), options);
}

std::string png_content(const Image& image) {
  const testing::TemporaryDirectory directory;
  testing::write_png(directory / "image", image);
  return testing::file_content(directory / "image");
}

std::string jpeg_content(const Image& image) {
  const testing::TemporaryDirectory directory;
  testing::write_jpeg(directory / "image", image);
  return testing::file_content(directory / "image");
}

// A segment behind the start of a JPEG, with the orientation as Exif has it.
std::string with_exif(std::string jpeg, char orientation) {
  const std::string tiff("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0", 19);
  const std::string exif = std::string("Exif\0\0", 6) + tiff + orientation + std::string(6, '\0');
  const auto size = static_cast<char>(exif.size() + 2);
  return jpeg.insert(2, std::string("\xff\xe1\0", 3) + size + exif);
}

TEST(DecodeImage, GivesThePixelsOfAPng) {
  const Image image = testing::busy_image(13, 9);
  const Image decoded = decode(png_content(image));
  EXPECT_EQ(decoded.width, 13);
  EXPECT_EQ(decoded.height, 9);
  EXPECT_EQ(decoded.channels, 3);
  EXPECT_EQ(decoded.pixels, image.pixels);
}

TEST(DecodeImage, GivesAboutThePixelsOfAJpeg) {
  const Image decoded = decode(jpeg_content(testing::plain_image(20, 10, 77)));
  EXPECT_EQ(decoded.width, 20);
  EXPECT_EQ(decoded.pixels.size(), 20U * 10 * 3);
  EXPECT_THAT(decoded.pixels, Each(AllOf(::testing::Ge(76), ::testing::Le(78))));
}

TEST(DecodeImage, GreyAndColourBecomeEachOther) {
  const Image grey = testing::busy_image(4, 4, 1);
  const Image coloured = decode(png_content(grey));
  EXPECT_EQ(coloured.channels, 3);
  EXPECT_EQ(coloured.pixels[3], grey.pixels[1]);
  Image red = testing::plain_image(1, 1, 0);
  red.pixels[0] = 255;
  EXPECT_THAT(decode(png_content(red), {.channels = 1}).pixels, ElementsAre(76));
}

TEST(DecodeImage, TurnsAJpegOnlyWhereThatIsAskedFor) {
  Image image = testing::plain_image(16, 8, 0);
  for (int x = 8; x < 16; ++x) {
    for (int y = 0; y < 8; ++y) std::fill_n(image.row(y) + 3 * x, 3, 255);
  }
  const std::string jpeg = with_exif(jpeg_content(image), 6);  // the camera was held upright
  EXPECT_EQ(decode(jpeg).width, 16);
  const Image turned = decode(jpeg, {.orientation = Orientation::from_exif});
  EXPECT_EQ(turned.width, 8);
  EXPECT_EQ(turned.height, 16);
  EXPECT_EQ(turned.row(1)[0], 0);
  EXPECT_EQ(turned.row(14)[0], 255);
}

TEST(DecodeImage, ReducesAJpegAsFarAsItMay) {
  const std::string jpeg = jpeg_content(testing::plain_image(320, 200, 9));
  EXPECT_EQ(decode(jpeg, {.reduce_to = 100}).width, 160);
  EXPECT_EQ(decode(jpeg, {.reduce_to = 101}).width, 320);
  EXPECT_EQ(decode(jpeg, {.reduce_to = 1}).width, 40);
}

TEST(DecodeImage, ACutFileIsNamed) {
  const testing::TemporaryDirectory directory;
  testing::write_jpeg(directory / "whole.jpg", testing::busy_image(64, 64));
  testing::write_png(directory / "whole.png", testing::busy_image(64, 64));
  for (const char* name : {"whole.jpg", "whole.png"}) {
    const std::string content = testing::file_content(directory / name);
    for (std::size_t size = 12; size < content.size(); size += content.size() / 50) {
      testing::write_content(directory / "cut", content.substr(0, size));
      EXPECT_ERROR(read_image(directory / "cut"), ErrorCode::corrupt, HasSubstr("/cut: "));
    }
  }
  EXPECT_ERROR(read_image(directory / "none.jpg"), ErrorCode::not_found, HasSubstr("none.jpg"));
}

TEST(DecodeImage, DamagedBytesAreAnErrorOrAnImage) {
  for (const std::string& content :
       {jpeg_content(testing::busy_image(24, 24)), png_content(testing::busy_image(24, 24))}) {
    for (std::size_t at = 8; at < content.size(); at += 3) {
      std::string damaged = content;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
      try {
        const Image image = decode(damaged);
        EXPECT_EQ(image.pixels.size(), image.row_bytes() * static_cast<std::size_t>(image.height));
      } catch (const Error& error) {
        EXPECT_THAT(name(error.code()), ::testing::AnyOf("corrupt", "unsupported", "unsafe"));
      }
    }
  }
}

TEST(DecodeImage, WhatAHeaderClaimsIsComparedWithTheFileFirst) {
  std::string png = png_content(testing::plain_image(8, 8, 0));
  // Width and height of the header, whose checksum is corrected.
  png.replace(16, 8, std::string("\0\0\x30\0\0\0\x30\0", 8));
  png.replace(29, 4, std::string("\x34\xe0\x05\x0b", 4));
  EXPECT_ERROR(decode(png), ErrorCode::corrupt, HasSubstr("12288x12288"));
  EXPECT_ERROR(decode(png, {.max_pixels = 1000000}), ErrorCode::unsafe,
               HasSubstr("at most 1000000"));
}

TEST(DecodeImage, OtherFormatsAreNamed) {
  EXPECT_ERROR(decode("BM0123456789"), ErrorCode::unsupported, HasSubstr("BMP image"));
  EXPECT_ERROR(decode("GIF89a"), ErrorCode::unsupported, HasSubstr("convert it to PNG"));
  EXPECT_ERROR(decode("hello"), ErrorCode::unsupported, HasSubstr("expected JPEG, PNG or WebP"));
  EXPECT_ERROR(decode(""), ErrorCode::unsupported, HasSubstr("no image"));
  EXPECT_ERROR(decode("RIFF....WEBPVP8 "), ErrorCode::corrupt, HasSubstr("WebP"));
}

TEST(DecodeImage, FilesThatTripDecoders) {
  const auto files = testing::shared_data("images/decoder");
  SKIP_WITHOUT(files);
  for (const char* name : {"broken.png", "broken_data_stream.png", "truncated_end_chunk.png",
                           "truncated_image.png", "truncated_jpeg.jpg"}) {
    EXPECT_ERROR(read_image(files / name), ErrorCode::corrupt, HasSubstr(name));
  }
  EXPECT_EQ(read_image(files / "hopper.webp").width, 128);
  const DecodeOptions turned{.orientation = Orientation::from_exif};
  EXPECT_EQ(read_image(files / "orientation_rectangle.jpg", turned).height, 2);
}

}  // namespace decode_image_test
}  // namespace torchkeep
