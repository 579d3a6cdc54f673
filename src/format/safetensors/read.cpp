#include "format/safetensors/read.h"

#include <utility>

#include "base/byte_reader.h"
#include "base/from_file.h"
#include "base/parallel.h"
#include "base/printable.h"
#include "format/placed_storage.h"
#include "format/safetensors/header.h"
#include "io/region.h"

namespace torchkeep::safetensors {
namespace {

std::uint64_t header_bytes(const Probe& probe) {
  return ByteReader(std::as_bytes(std::span(probe.head()))).u64();
}

std::string read_header_text(const Probe& probe) {
  const std::uint64_t bytes = header_bytes(probe);
  if (bytes > kMostHeaderBytes) {
    fail(ErrorCode::unsafe, "the header is too long (expected at most {} bytes, got {})",
         kMostHeaderBytes, bytes);
  }
  const std::uint64_t available = probe.file()->size() - kLengthBytes;
  if (bytes > available) {
    fail_at(ErrorCode::corrupt, {}, "copy or download it again",
            "the header does not fit into the file (expected {} bytes, got {})", bytes, available);
  }
  std::string text(static_cast<std::size_t>(bytes), '\0');
  probe.file()->read(kLengthBytes, std::as_writable_bytes(std::span(text)));
  return text;
}

// PyTorch counts the pairs of 4-bit elements that share a byte.
Shape shape_in_torch(const TensorEntry& entry) {
  Shape shape = entry.shape;
  if (*entry.type->dtype != DType::float4_e2m1fn_x2) return shape;
  if (shape.empty() || shape.back() % 2 != 0) {
    fail(ErrorCode::unsupported, "F4 {} has no pairs in its last dimension, as PyTorch needs",
         to_string(shape));
  }
  shape.back() /= 2;
  return shape;
}

Tensor tensor_of(const TensorEntry& entry, const io::Region& data) {
  try {
    const std::span<std::byte> bytes = data.bytes.subspan(
        static_cast<std::size_t>(entry.begin), static_cast<std::size_t>(entry.end - entry.begin));
    const DType dtype = *entry.type->dtype;
    return from_file([&] {
      return Tensor(place_storage(bytes, data.owner, dtype), dtype, shape_in_torch(entry));
    });
  } catch (Error& error) {
    Place place;
    place.tensor = printable(entry.name);
    error.add_place(place);
    throw;
  }
}

Value attributes_of(const Header& header) {
  if (header.metadata.empty()) return {};
  Dict metadata;
  for (const auto& [key, text] : header.metadata) metadata.set(key, text);
  return dict({{kMetadataKey, std::move(metadata)}});
}

}  // namespace

bool recognises(const Probe& probe) {
  constexpr std::size_t kLeastBytes = kLengthBytes + 2;
  if (probe.head().size() < kLeastBytes) return false;
  const std::uint64_t bytes = header_bytes(probe);
  const std::size_t first = probe.head().find_first_not_of(" \t\r\n", kLengthBytes);
  // A header that is too long is one if the file has that many bytes.
  const bool is_length =
      bytes >= 2 && (bytes <= kMostHeaderBytes || bytes <= probe.file()->size() - kLengthBytes);
  return is_length && first != std::string_view::npos && probe.head()[first] == '{';
}

Loaded read(const Probe& probe, const LoadOptions& options) {
  const std::string text = read_header_text(probe);
  const std::uint64_t data_offset = kLengthBytes + text.size();
  const std::uint64_t data_bytes = probe.file()->size() - data_offset;
  const Header header = parse_header(text, data_bytes);
  const io::Region data = io::load_region(*probe.file(), data_offset, data_bytes, options.access,
                                          effective_threads(options.threads));
  Dict tensors(Dict::Type::ordered);
  for (const TensorEntry& entry : header.tensors) tensors.set(entry.name, tensor_of(entry, data));
  tensors.set_attributes(attributes_of(header));
  return {std::move(tensors)};
}

}  // namespace torchkeep::safetensors
