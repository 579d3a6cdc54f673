// The opcodes of pickle protocols 0 to 5. Everything else about them is derived from this table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace torchkeep::pickle {

enum class Opcode : std::uint8_t {
  mark = '(',
  stop = '.',
  pop = '0',
  pop_mark = '1',
  dup = '2',
  decimal_float = 'F',
  decimal_int = 'I',
  binint = 'J',
  binint1 = 'K',
  decimal_long = 'L',
  binint2 = 'M',
  none = 'N',
  persid = 'P',
  binpersid = 'Q',
  reduce = 'R',
  string = 'S',
  binstring = 'T',
  short_binstring = 'U',
  unicode = 'V',
  binunicode = 'X',
  append = 'a',
  build = 'b',
  global = 'c',
  dict = 'd',
  empty_dict = '}',
  appends = 'e',
  get = 'g',
  binget = 'h',
  inst = 'i',
  long_binget = 'j',
  list = 'l',
  empty_list = ']',
  obj = 'o',
  put = 'p',
  binput = 'q',
  long_binput = 'r',
  setitem = 's',
  tuple = 't',
  empty_tuple = ')',
  setitems = 'u',
  binfloat = 'G',
  binbytes = 'B',
  short_binbytes = 'C',
  proto = 0x80,
  newobj = 0x81,
  ext1 = 0x82,
  ext2 = 0x83,
  ext4 = 0x84,
  tuple1 = 0x85,
  tuple2 = 0x86,
  tuple3 = 0x87,
  newtrue = 0x88,
  newfalse = 0x89,
  long1 = 0x8a,
  long4 = 0x8b,
  short_binunicode = 0x8c,
  binunicode8 = 0x8d,
  binbytes8 = 0x8e,
  empty_set = 0x8f,
  additems = 0x90,
  frozenset = 0x91,
  newobj_ex = 0x92,
  stack_global = 0x93,
  memoize = 0x94,
  frame = 0x95,
  bytearray8 = 0x96,
  next_buffer = 0x97,
  readonly_buffer = 0x98,
};

// What follows the opcode's byte. Integers are little-endian, but for float8's bits.
enum class ArgumentForm : std::uint8_t {
  none,
  uint1,
  uint2,
  uint4,
  int4,
  uint8,
  float8,     // big-endian
  line,       // text up to a newline
  two_lines,  // a module and a name
  counted1,   // an unsigned length of 1, 4 or 8 bytes, and as many bytes
  counted4,
  counted8,
  counted4_signed,  // a length of 4 bytes that must not be negative
};

struct OpcodeInfo {
  Opcode opcode;
  std::string_view name;  // as in Python's module pickletools
  ArgumentForm argument = ArgumentForm::none;
};

inline constexpr auto kOpcodes = std::to_array<OpcodeInfo>({
    {Opcode::mark, "MARK"},
    {Opcode::stop, "STOP"},
    {Opcode::pop, "POP"},
    {Opcode::pop_mark, "POP_MARK"},
    {Opcode::dup, "DUP"},
    {Opcode::decimal_float, "FLOAT", ArgumentForm::line},
    {Opcode::decimal_int, "INT", ArgumentForm::line},
    {Opcode::binint, "BININT", ArgumentForm::int4},
    {Opcode::binint1, "BININT1", ArgumentForm::uint1},
    {Opcode::decimal_long, "LONG", ArgumentForm::line},
    {Opcode::binint2, "BININT2", ArgumentForm::uint2},
    {Opcode::none, "NONE"},
    {Opcode::persid, "PERSID", ArgumentForm::line},
    {Opcode::binpersid, "BINPERSID"},
    {Opcode::reduce, "REDUCE"},
    {Opcode::string, "STRING", ArgumentForm::line},
    {Opcode::binstring, "BINSTRING", ArgumentForm::counted4_signed},
    {Opcode::short_binstring, "SHORT_BINSTRING", ArgumentForm::counted1},
    {Opcode::unicode, "UNICODE", ArgumentForm::line},
    {Opcode::binunicode, "BINUNICODE", ArgumentForm::counted4},
    {Opcode::append, "APPEND"},
    {Opcode::build, "BUILD"},
    {Opcode::global, "GLOBAL", ArgumentForm::two_lines},
    {Opcode::dict, "DICT"},
    {Opcode::empty_dict, "EMPTY_DICT"},
    {Opcode::appends, "APPENDS"},
    {Opcode::get, "GET", ArgumentForm::line},
    {Opcode::binget, "BINGET", ArgumentForm::uint1},
    {Opcode::inst, "INST", ArgumentForm::two_lines},
    {Opcode::long_binget, "LONG_BINGET", ArgumentForm::uint4},
    {Opcode::list, "LIST"},
    {Opcode::empty_list, "EMPTY_LIST"},
    {Opcode::obj, "OBJ"},
    {Opcode::put, "PUT", ArgumentForm::line},
    {Opcode::binput, "BINPUT", ArgumentForm::uint1},
    {Opcode::long_binput, "LONG_BINPUT", ArgumentForm::uint4},
    {Opcode::setitem, "SETITEM"},
    {Opcode::tuple, "TUPLE"},
    {Opcode::empty_tuple, "EMPTY_TUPLE"},
    {Opcode::setitems, "SETITEMS"},
    {Opcode::binfloat, "BINFLOAT", ArgumentForm::float8},
    {Opcode::binbytes, "BINBYTES", ArgumentForm::counted4},
    {Opcode::short_binbytes, "SHORT_BINBYTES", ArgumentForm::counted1},
    {Opcode::proto, "PROTO", ArgumentForm::uint1},
    {Opcode::newobj, "NEWOBJ"},
    {Opcode::ext1, "EXT1", ArgumentForm::uint1},
    {Opcode::ext2, "EXT2", ArgumentForm::uint2},
    {Opcode::ext4, "EXT4", ArgumentForm::int4},
    {Opcode::tuple1, "TUPLE1"},
    {Opcode::tuple2, "TUPLE2"},
    {Opcode::tuple3, "TUPLE3"},
    {Opcode::newtrue, "NEWTRUE"},
    {Opcode::newfalse, "NEWFALSE"},
    {Opcode::long1, "LONG1", ArgumentForm::counted1},
    {Opcode::long4, "LONG4", ArgumentForm::counted4_signed},
    {Opcode::short_binunicode, "SHORT_BINUNICODE", ArgumentForm::counted1},
    {Opcode::binunicode8, "BINUNICODE8", ArgumentForm::counted8},
    {Opcode::binbytes8, "BINBYTES8", ArgumentForm::counted8},
    {Opcode::empty_set, "EMPTY_SET"},
    {Opcode::additems, "ADDITEMS"},
    {Opcode::frozenset, "FROZENSET"},
    {Opcode::newobj_ex, "NEWOBJ_EX"},
    {Opcode::stack_global, "STACK_GLOBAL"},
    {Opcode::memoize, "MEMOIZE"},
    {Opcode::frame, "FRAME", ArgumentForm::uint8},
    {Opcode::bytearray8, "BYTEARRAY8", ArgumentForm::counted8},
    {Opcode::next_buffer, "NEXT_BUFFER"},
    {Opcode::readonly_buffer, "READONLY_BUFFER"},
});

// By opcode: one more than the position in kOpcodes; 0 for what is no opcode.
inline constexpr auto kOpcodePositions = [] {
  std::array<std::uint8_t, 256> positions{};
  for (std::size_t i = 0; i < kOpcodes.size(); ++i) {
    positions[static_cast<std::uint8_t>(kOpcodes[i].opcode)] = static_cast<std::uint8_t>(i + 1);
  }
  return positions;
}();

// Null for a byte that is no opcode.
constexpr const OpcodeInfo* find_opcode(std::uint8_t byte) {
  const std::uint8_t position = kOpcodePositions[byte];
  return position == 0 ? nullptr : &kOpcodes[position - 1U];
}

}  // namespace torchkeep::pickle
