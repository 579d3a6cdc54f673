#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstring>

#include <png.h>

#include "base/fail.h"
#include "vision/decoder.h"

namespace torchkeep {

namespace png_detail {

constexpr double kMaxDeflateRatio = 1032;  // 258 bytes from two bits

// What libpng calls back with. Its errors come as a jump out of the call.
struct Callbacks {
  std::jmp_buf jump = {};
  std::array<char, 128> message = {};
  std::span<const std::byte> rest = {};  // of the file
};

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  auto& callbacks = *static_cast<Callbacks*>(png_get_error_ptr(png));
  std::strncpy(callbacks.message.data(), message, callbacks.message.size() - 1);
  std::longjmp(callbacks.jump, 1);
}

void on_warning(png_structp, png_const_charp) {}

void on_read(png_structp png, png_bytep target, std::size_t size) {
  auto& callbacks = *static_cast<Callbacks*>(png_get_io_ptr(png));
  if (size > callbacks.rest.size()) png_error(png, "the file ends early");
  std::memcpy(target, callbacks.rest.data(), size);
  callbacks.rest = callbacks.rest.subspan(size);
}

struct Header {
  png_uint_32 width = 0;
  png_uint_32 height = 0;
  int bits = 0;
  int colour_type = 0;
};

class PngDecoder {
 public:
  PngDecoder(std::span<const std::byte> bytes, const DecodeOptions& options)
      : bytes_(bytes), options_(options) {
    callbacks_.rest = bytes;
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &callbacks_, on_error, on_warning);
    info_ = png_ == nullptr ? nullptr : png_create_info_struct(png_);
    if (info_ == nullptr) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      fail(ErrorCode::io, "there is no memory to decode a PNG image");
    }
  }
  ~PngDecoder() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngDecoder(const PngDecoder&) = delete;
  PngDecoder& operator=(const PngDecoder&) = delete;

  DecodedImage decode() {
    read_header();
    read_rows();
    const bool is_grey = (header_.colour_type & PNG_COLOR_MASK_COLOR) == 0;
    DecodedImage decoded;
    decoded.image = make_image(static_cast<int>(header_.width), static_cast<int>(header_.height),
                               is_grey ? 1 : 3);
    decoded.exif_orientation = orientation();
    read_palette();
    for (std::size_t y = 0; y < rows_.size(); ++y) {
      convert_row(rows_[y], decoded.image.row(static_cast<int>(y)));
    }
    return decoded;
  }

 private:
  // Runs calls of libpng. They may be left by a jump, past which nothing is destroyed: `calls` has
  // no objects of its own.
  template <class Calls>
  void guarded(Calls calls) {
    if (setjmp(callbacks_.jump) == 0) {
      calls();
    } else {
      fail(ErrorCode::corrupt, "the PNG image is damaged or cut off ({})",
           callbacks_.message.data());
    }
  }

  void read_header() {
    guarded([this] {
      png_set_read_fn(png_, &callbacks_, on_read);
      png_read_info(png_, info_);
      png_get_IHDR(png_, info_, &header_.width, &header_.height, &header_.bits,
                   &header_.colour_type, nullptr, nullptr, nullptr);
    });
    check_image_size(header_.width, header_.height, options_);
    const double bits_per_pixel = png_get_channels(png_, info_) * header_.bits;
    check_pixels_fit(header_.width, header_.height, bytes_.size(),
                     kMaxDeflateRatio * 8 / bits_per_pixel);
  }

  bool is_grey_of_16_bits() const {
    return header_.bits == 16 && header_.colour_type == PNG_COLOR_TYPE_GRAY;
  }

  void read_rows() {
    guarded([this] {
      if (header_.bits == 16 && !is_grey_of_16_bits()) png_set_strip_16(png_);
      if (header_.bits < 8) png_set_packing(png_);
      png_set_interlace_handling(png_);
      png_read_update_info(png_, info_);
    });
    const std::size_t row_bytes = png_get_rowbytes(png_, info_);
    buffer_.resize(row_bytes * header_.height);
    rows_.resize(header_.height);
    for (std::size_t y = 0; y < rows_.size(); ++y) rows_[y] = buffer_.data() + y * row_bytes;
    guarded([this] {
      png_read_image(png_, rows_.data());
      png_read_end(png_, info_);
    });
  }

  // A palette may be shorter than its indices: like PIL's, ours begins as a ramp of greys.
  void read_palette() {
    for (std::size_t i = 0; i < palette_.size(); ++i) {
      palette_[i].fill(static_cast<std::uint8_t>(i));
    }
    png_colorp colours = nullptr;
    int count = 0;
    png_get_PLTE(png_, info_, &colours, &count);
    for (int i = 0; i < std::min(count, 256); ++i) {
      palette_[static_cast<std::size_t>(i)] = {colours[i].red, colours[i].green, colours[i].blue};
    }
  }

  // Alpha is left out.
  void convert_row(const std::uint8_t* row, std::uint8_t* target) const {
    const int width = static_cast<int>(header_.width);
    switch (header_.colour_type) {
      case PNG_COLOR_TYPE_GRAY:
        return convert_grey(row, target);
      case PNG_COLOR_TYPE_GRAY_ALPHA:
        for (int x = 0; x < width; ++x) target[x] = row[2 * x];
        return;
      case PNG_COLOR_TYPE_PALETTE:
        for (int x = 0; x < width; ++x) std::ranges::copy(palette_[row[x]], target + 3 * x);
        return;
      case PNG_COLOR_TYPE_RGB:
        std::copy_n(row, 3 * width, target);
        return;
      default:
        for (int x = 0; x < width; ++x) std::copy_n(row + 4 * x, 3, target + 3 * x);
    }
  }

  // PIL does not scale 16 bits, it cuts their value off at 255.
  void convert_grey(const std::uint8_t* row, std::uint8_t* target) const {
    const int scale = header_.bits < 8 ? 255 / ((1 << header_.bits) - 1) : 1;
    for (png_uint_32 x = 0; x < header_.width; ++x) {
      if (is_grey_of_16_bits()) {
        target[x] = row[2 * x] == 0 ? row[2 * x + 1] : 255;
      } else {
        target[x] = static_cast<std::uint8_t>(row[x] * scale);
      }
    }
  }

  int orientation() {
    png_bytep exif = nullptr;
    png_uint_32 size = 0;
    if (png_get_eXIf_1(png_, info_, &size, &exif) == 0) return 1;
    return exif_orientation(std::as_bytes(std::span(exif, size)));
  }

  std::span<const std::byte> bytes_;
  const DecodeOptions& options_;
  Callbacks callbacks_ = {};
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  Header header_ = {};
  std::vector<std::uint8_t> buffer_ = {};
  std::vector<png_bytep> rows_ = {};  // in the buffer
  std::array<std::array<std::uint8_t, 3>, 256> palette_ = {};
};

}  // namespace png_detail

DecodedImage decode_png(std::span<const std::byte> bytes, const DecodeOptions& options) {
  return png_detail::PngDecoder(bytes, options).decode();
}

}  // namespace torchkeep
