// The orientation in Exif data (CIPA DC-008): a TIFF whose first directory may have the tag 0x0112.
#include <optional>

#include "vision/decoder.h"

namespace torchkeep {

namespace exif_detail {

constexpr std::uint32_t kOrientationTag = 0x0112;
constexpr std::uint32_t kShort = 3;  // the type of the tag's value
constexpr std::size_t kEntryBytes = 12;

class TiffReader {
 public:
  explicit TiffReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  bool set_byte_order() {
    if (bytes_.size() < 8 || bytes_[0] != bytes_[1]) return false;
    little_endian_ = bytes_[0] == std::byte{'I'};
    return little_endian_ || bytes_[0] == std::byte{'M'};
  }

  std::optional<std::uint32_t> number(std::size_t offset, std::size_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) return std::nullopt;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t at = little_endian_ ? offset + size - 1 - i : offset + i;
      value = value << 8 | std::to_integer<std::uint32_t>(bytes_[at]);
    }
    return value;
  }

 private:
  std::span<const std::byte> bytes_;
  bool little_endian_ = false;
};

}  // namespace exif_detail

int exif_orientation(std::span<const std::byte> tiff) {
  namespace detail = exif_detail;
  constexpr int kNone = 1;
  detail::TiffReader reader(tiff);
  if (!reader.set_byte_order()) return kNone;
  const auto directory = reader.number(4, 4);
  const auto entries = directory ? reader.number(*directory, 2) : std::nullopt;
  for (std::size_t i = 0; i < entries.value_or(0); ++i) {
    const std::size_t entry = *directory + 2 + i * detail::kEntryBytes;
    const auto tag = reader.number(entry, 2);
    if (!tag) return kNone;
    if (*tag != detail::kOrientationTag || reader.number(entry + 2, 2) != detail::kShort) continue;
    const auto value = reader.number(entry + 8, 2).value_or(kNone);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : kNone;
  }
  return kNone;
}

}  // namespace torchkeep
