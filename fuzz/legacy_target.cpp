// Any bytes as a file of pickles that follow each other. What is loaded can be written in the same
// format, and comes back the same from then on.
#include <optional>
#include <span>
#include <string>

#include "format/legacy/write.h"
#include "fuzz_target.h"
#include "loading.h"

namespace {

using torchkeep::Access;
using torchkeep::Value;

// Nothing for what the format cannot hold.
std::optional<std::string> written(const Value& value) {
  std::string bytes;
  try {
    torchkeep::legacy::write(value, {}, {}, [&](std::span<const std::byte> piece) {
      bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    });
  } catch (const torchkeep::Error& error) {
    if (error.code() == torchkeep::ErrorCode::internal) __builtin_trap();
    return std::nullopt;
  }
  return bytes;
}

Value load_own(const std::string& bytes) {
  const MemoryFile file(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  return torchkeep::load(file.path(), {.threads = 1});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const MemoryFile file(data, size);
  const Value value = fuzz::load(file.path(), Access::read, torchkeep::Verify::nothing);
  const Value mapped = fuzz::load(file.path(), Access::map, torchkeep::Verify::nothing);
  if (!equal(value, mapped)) __builtin_trap();
  const std::optional<std::string> first = written(value);
  if (!first) return 0;
  // Names of Python 2 and nested classes change when they are written for the first time.
  const Value second = load_own(*first);
  const std::optional<std::string> again = written(second);
  if (!again || !equal(second, load_own(*again))) __builtin_trap();
  return 0;
}
