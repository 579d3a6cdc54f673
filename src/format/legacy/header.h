// What stands in front of the object in a file of pickles that follow each other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <torchkeep/value.h>

#include "format/pickle/stream.h"

namespace torchkeep::legacy {

// True if `bytes` begin with the pickle, of any protocol, of the number with which a file begins.
bool begins_with_magic(std::string_view bytes);

// How the machine that wrote the file stored the counts of elements in front of storages. PyTorch
// writes the elements themselves little-endian on all machines.
enum class CountOrder { little, big };

// What sys_info says. Files without a known answer are little-endian.
CountOrder count_order(const Value& sys_info);
// A count as it was stored.
std::uint64_t decode_count(std::uint64_t little_endian, CountOrder order);

// Reads the three pickles of the header. Throws corrupt; unsupported for another protocol version.
CountOrder read_header(pickle::Stream& stream);

// The same three as PyTorch writes them.
std::string encode_header();

}  // namespace torchkeep::legacy
