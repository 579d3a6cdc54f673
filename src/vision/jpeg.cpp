#include <array>
#include <csetjmp>
#include <cstdio>  // before jpeglib.h, which needs FILE
#include <string_view>

#include <jerror.h>
#include <jpeglib.h>

#include "base/fail.h"
#include "vision/decoder.h"

namespace torchkeep {

namespace jpeg_detail {

constexpr int kExifMarker = JPEG_APP0 + 1;
constexpr unsigned kMaxMarkerBytes = 0xffff;
constexpr std::string_view kExifHeader("Exif\0\0", 6);
// Each block of 64 pixels takes at least one bit of Huffman code.
constexpr double kPixelsPerByte = 64 * 8;
// More is no picture but an attempt to keep the decoder busy.
constexpr int kMaxScans = 500;

// What libjpeg calls back with. Its errors come as a jump out of the call.
struct Callbacks {
  jpeg_error_mgr errors = {};
  jpeg_progress_mgr progress = {};
  std::jmp_buf jump = {};
  std::array<char, JMSG_LENGTH_MAX> message = {};
  bool truncated = false;
};

Callbacks& callbacks_of(j_common_ptr info) { return *static_cast<Callbacks*>(info->client_data); }

[[noreturn]] void on_error(j_common_ptr info) {
  Callbacks& callbacks = callbacks_of(info);
  info->err->format_message(info, callbacks.message.data());
  std::longjmp(callbacks.jump, 1);
}

// libjpeg goes on with grey where a file ends early, and over garbage between markers. PIL does not
// take the first for an image.
void on_message(j_common_ptr info, int level) {
  if (level >= 0 || info->err->msg_code != JWRN_JPEG_EOF) return;
  callbacks_of(info).truncated = true;
  std::longjmp(callbacks_of(info).jump, 1);
}

void on_progress(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMaxScans) return;
  callbacks_of(info).message = {"there are too many scans"};
  std::longjmp(callbacks_of(info).jump, 1);
}

void set_callbacks(jpeg_decompress_struct& info, Callbacks& callbacks) {
  info.err = jpeg_std_error(&callbacks.errors);
  info.client_data = &callbacks;
  callbacks.errors.error_exit = on_error;
  callbacks.errors.emit_message = on_message;
  callbacks.progress.progress_monitor = on_progress;
}

// PIL's conversion; Adobe's programs, which write such files, store them inverted.
void inverted_cmyk_to_rgb(const std::uint8_t* cmyk, int width, std::uint8_t* rgb) {
  for (int x = 0; x < width; ++x, cmyk += 4, rgb += 3) {
    const int light = cmyk[3];
    for (int c = 0; c < 3; ++c) {
      const int product = (255 - cmyk[c]) * light + 128;
      rgb[c] = static_cast<std::uint8_t>(light - ((product >> 8) + product) / 256);
    }
  }
}

class JpegDecoder {
 public:
  JpegDecoder(std::span<const std::byte> bytes, const DecodeOptions& options)
      : bytes_(bytes), options_(options) {
    set_callbacks(info_, callbacks_);
    guarded([this] {
      jpeg_create_decompress(&info_);
      info_.progress = &callbacks_.progress;
      jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes_.data()), bytes_.size());
    });
  }
  ~JpegDecoder() { jpeg_destroy_decompress(&info_); }
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  DecodedImage decode() {
    read_header();
    DecodedImage decoded;
    decoded.exif_orientation = orientation();
    guarded([this] { jpeg_start_decompress(&info_); });
    decoded.image =
        make_image(static_cast<int>(info_.output_width), static_cast<int>(info_.output_height),
                   info_.num_components == 1 ? 1 : 3);
    if (info_.out_color_space == JCS_CMYK) cmyk_.resize(std::size_t{4} * info_.output_width);
    image_ = &decoded.image;
    guarded([this] {
      while (info_.output_scanline < info_.output_height) read_row();
      jpeg_finish_decompress(&info_);
    });
    return decoded;
  }

 private:
  // Runs calls of libjpeg. They may be left by a jump, past which nothing is destroyed: `calls` has
  // no objects of its own.
  template <class Calls>
  void guarded(Calls calls) {
    if (setjmp(callbacks_.jump) == 0) {
      calls();
    } else {
      fail_decoding();
    }
  }

  [[noreturn]] void fail_decoding() const {
    if (callbacks_.truncated) fail(ErrorCode::corrupt, "the JPEG image is cut off");
    fail(ErrorCode::corrupt, "the JPEG image is damaged ({})", callbacks_.message.data());
  }

  void read_header() {
    guarded([this] {
      jpeg_save_markers(&info_, kExifMarker, kMaxMarkerBytes);
      jpeg_read_header(&info_, TRUE);
    });
    check_image_size(info_.image_width, info_.image_height, options_);
    if (!info_.arith_code) {
      check_pixels_fit(info_.image_width, info_.image_height, bytes_.size(), kPixelsPerByte);
    }
    switch (info_.num_components) {
      case 1:
        info_.out_color_space = JCS_GRAYSCALE;
        break;
      case 3:
        info_.out_color_space = JCS_RGB;
        break;
      case 4:
        info_.out_color_space = JCS_CMYK;
        break;
      default:
        fail(ErrorCode::unsupported, "the JPEG image has {} channels (expected 1, 3 or 4)",
             info_.num_components);
    }
    set_scale();
  }

  void set_scale() {
    if (options_.reduce_to <= 0) return;
    const auto shorter = static_cast<int>(std::min(info_.image_width, info_.image_height));
    while (info_.scale_denom < 8 &&
           shorter >= options_.reduce_to * static_cast<int>(2 * info_.scale_denom)) {
      info_.scale_denom *= 2;
    }
  }

  int orientation() const {
    for (const jpeg_marker_struct* marker = info_.marker_list; marker; marker = marker->next) {
      const std::span data(reinterpret_cast<const std::byte*>(marker->data), marker->data_length);
      const std::string_view text(reinterpret_cast<const char*>(marker->data), marker->data_length);
      if (text.starts_with(kExifHeader)) return exif_orientation(data.subspan(kExifHeader.size()));
    }
    return 1;
  }

  void read_row() {
    std::uint8_t* row = image_->row(static_cast<int>(info_.output_scanline));
    std::uint8_t* target = cmyk_.empty() ? row : cmyk_.data();
    jpeg_read_scanlines(&info_, &target, 1);
    if (!cmyk_.empty()) inverted_cmyk_to_rgb(target, image_->width, row);
  }

  std::span<const std::byte> bytes_;
  const DecodeOptions& options_;
  jpeg_decompress_struct info_ = {};
  Callbacks callbacks_ = {};
  Image* image_ = nullptr;
  std::vector<std::uint8_t> cmyk_ = {};  // a row
};

}  // namespace jpeg_detail

DecodedImage decode_jpeg(std::span<const std::byte> bytes, const DecodeOptions& options) {
  return jpeg_detail::JpegDecoder(bytes, options).decode();
}

}  // namespace torchkeep
