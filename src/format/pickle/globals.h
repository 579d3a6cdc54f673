// Which classes and functions of Python a pickle names, found without building its values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <torchkeep/limits.h>

namespace torchkeep::pickle {

// A global that unpickling would import. All uses of one name in a pickle are one entry.
struct GlobalUse {
  enum class Kind {
    named,
    computed,  // the pickle computes module or name while it is read: they are not known
    extension  // a number in the registry of Python's copyreg; `name` is the number
  };
  Kind kind = Kind::named;
  std::string module;  // as the pickle has them
  std::string name;
  std::size_t offset = 0;  // of the opcode that first imports it
  std::uint64_t count = 1;
  bool is_called = false;   // as a function, or to make an instance
  bool is_passed = false;   // to another call or into a container, or called unseen
  bool is_changed = false;  // its own attributes or items are set
};

// Bytes in a pickle that may be a file or a pickle themselves.
struct Embedded {
  std::string bytes;
  std::size_t offset = 0;  // of the opcode that pushes them
};

struct Globals {
  std::vector<GlobalUse> uses;  // in the order of the pickle
  std::vector<Embedded> embedded;
  std::size_t bytes_used = 0;  // up to and with STOP, or up to where the pickle breaks
  bool is_complete = false;    // STOP was reached
  std::string problem;         // why it was not
};

// Follows the opcodes of the first pickle in `bytes` as far as they can be read, also where Python
// would stop with an error: a missing value counts as an unknown one. Never throws for what the
// bytes are. Memory: a small multiple of the pickle's size, and bounded by the limits.
Globals find_globals(std::span<const std::byte> bytes, const Limits& limits);

// Every place in `bytes` that looks as an opcode which imports a global by its name, wherever
// pickles begin and end. Only what is_dotted_name() holds for. A chance hit in random bytes is
// possible.
std::vector<GlobalUse> find_global_patterns(std::span<const std::byte> bytes);

// Whether it is text that Python could import: identifiers with dots between them.
bool is_dotted_name(std::string_view text);

}  // namespace torchkeep::pickle
