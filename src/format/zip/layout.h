// The fixed parts of a zip archive. The byte layouts are in docs/format/pt.md.
#pragma once

#include <cstddef>
#include <cstdint>

namespace torchkeep::zip {

// Each part begins with its signature.
constexpr std::uint32_t kLocalHeader = 0x04034B50;
constexpr std::uint32_t kCentralHeader = 0x02014B50;
constexpr std::uint32_t kDescriptor = 0x08074B50;
constexpr std::uint32_t kEnd = 0x06054B50;
constexpr std::uint32_t kZip64End = 0x06064B50;
constexpr std::uint32_t kZip64Locator = 0x07064B50;

// Sizes in bytes, with the signature and without what has a variable length.
constexpr std::size_t kLocalHeaderBytes = 30;
constexpr std::size_t kCentralHeaderBytes = 46;
constexpr std::size_t kDescriptorBytes = 16;
constexpr std::size_t kZip64DescriptorBytes = 24;
constexpr std::size_t kEndBytes = 22;
constexpr std::size_t kZip64EndBytes = 56;
constexpr std::size_t kZip64LocatorBytes = 20;

// Bits of the flags.
constexpr std::uint16_t kEncrypted = 0x0001;
constexpr std::uint16_t kCompressionLevel = 0x0006;
constexpr std::uint16_t kHasDescriptor = 0x0008;
constexpr std::uint16_t kUtf8Name = 0x0800;

// Blocks of the extra field.
constexpr std::uint16_t kZip64Extra = 0x0001;
constexpr std::uint16_t kPaddingExtra = 0x4246;  // "FB"

// In a field of 16 or 32 bits: the value stands in the zip64 part.
constexpr std::uint16_t kSaturated16 = 0xFFFF;
constexpr std::uint32_t kSaturated32 = 0xFFFFFFFF;

}  // namespace torchkeep::zip
