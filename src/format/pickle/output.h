// Opcodes and their arguments as bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "format/pickle/opcode.h"

namespace torchkeep::pickle {

// Chooses among the forms of an opcode as CPython does for protocol 2.
class Output {
 public:
  void put(Opcode opcode) { bytes_.push_back(static_cast<char>(opcode)); }
  void put_protocol();
  void put_integer(std::int64_t number);
  void put_long(std::string_view twos_complement);
  void put_float(double number);
  void put_text(std::string_view utf8);  // throws unsupported at 4 GiB
  void put_global(std::string_view module, std::string_view name);
  void put_memo(std::uint32_t number);
  void put_memo_reference(std::uint32_t number);

  std::string take() { return std::move(bytes_); }

 private:
  void put_little_endian(std::uint64_t number, std::size_t width);

  std::string bytes_;
};

}  // namespace torchkeep::pickle
