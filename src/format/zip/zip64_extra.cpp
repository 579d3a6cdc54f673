#include "format/zip/zip64_extra.h"

#include "base/byte_reader.h"
#include "format/zip/layout.h"

namespace torchkeep::zip {

void apply_zip64_extra(std::span<const std::byte> extra,
                       std::uint64_t& bytes,
                       std::uint64_t& stored_bytes,
                       std::uint64_t& header_offset) {
  ByteReader reader(extra);
  while (reader.remaining() >= 4) {
    const std::uint16_t id = reader.u16();
    ByteReader block(reader.bytes(reader.u16()));
    if (id != kZip64Extra) continue;
    for (std::uint64_t* number : {&bytes, &stored_bytes, &header_offset}) {
      if (*number == kSaturated32) *number = block.u64();
    }
    return;
  }
}

}  // namespace torchkeep::zip
