#include "format/pickle/fetched_entries.h"

#include <torchkeep/error.h>

#include "format/pickle/instruction.h"
#include "format/pickle/number.h"

namespace torchkeep::pickle {

FetchedEntries::FetchedEntries(std::span<const std::byte> pickle, std::uint64_t max_bytes)
    : small_(pickle.size()) {
  InstructionReader reader(pickle, max_bytes);
  try {
    while (!counts_) {
      const Instruction instruction = reader.next();
      switch (instruction.info->opcode) {
        case Opcode::stop:
          return;
        case Opcode::memoize:
          counts_ = true;
          break;
        case Opcode::binget:
        case Opcode::long_binget:
          add(instruction.number);
          break;
        case Opcode::get:
          add(memo_number(instruction.text));
          break;
        default:
          break;
      }
    }
  } catch (const Error&) {
    // The machine will come to it, and say where.
  }
}

bool FetchedEntries::contains(std::uint64_t number) const {
  if (counts_) return true;
  return number < small_.size() ? small_[number] : large_.contains(number);
}

// A pickle has fewer entries than bytes, if nobody made the numbers up.
void FetchedEntries::add(std::uint64_t number) {
  if (number < small_.size()) {
    small_[number] = true;
  } else {
    large_.insert(number);
  }
}

}  // namespace torchkeep::pickle
