// Numbers as pickles write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <torchkeep/value.h>

namespace torchkeep::pickle {

// An int from its two's complement, little-endian, of any length; an Object::big_int with as few
// bytes as possible where it needs more than 64 bits.
Value integer_from_twos_complement(std::string_view bytes);

// An int from decimal digits with an optional sign. Throws corrupt for other text.
Value integer_from_decimal(std::string_view text);

// Throws corrupt for text that is no float of Python's repr().
double float_from_decimal(std::string_view text);

// The number of a memo entry, in decimal digits. Throws corrupt for other text.
std::uint64_t memo_number(std::string_view text);

// The shortest two's complement, little-endian; empty for 0.
std::string twos_complement(std::int64_t number);

}  // namespace torchkeep::pickle
