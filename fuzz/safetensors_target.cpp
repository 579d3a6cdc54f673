// A safetensors file without the length of its header, which reaches to the last brace. What is
// read can be written, and comes back the same.
#include <span>
#include <string>

#include <torchkeep/save.h>

#include "base/byte_reader.h"
#include "format/safetensors/write.h"
#include "fuzz_target.h"
#include "loading.h"

namespace {

std::string with_length(std::string_view content) {
  const std::size_t brace = content.find_last_of('}');
  std::string file;
  torchkeep::append_number(
      file, std::uint64_t{brace == std::string_view::npos ? content.size() : brace + 1});
  return file += content;
}

std::string write(const torchkeep::Value& value) {
  std::string file;
  torchkeep::safetensors::write(value, "f", {}, [&](std::span<const std::byte> bytes) {
    file.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  });
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string content = with_length({reinterpret_cast<const char*>(data), size});
  const MemoryFile file(reinterpret_cast<const std::uint8_t*>(content.data()), content.size());
  const torchkeep::Value value = fuzz::load(file.path(), torchkeep::Access::read);
  const torchkeep::Value mapped = fuzz::load(file.path(), torchkeep::Access::map);
  if (!equal(value, mapped)) __builtin_trap();
  if (value.is_none()) return 0;
  const std::string written = write(value);
  const MemoryFile second(reinterpret_cast<const std::uint8_t*>(written.data()), written.size());
  const torchkeep::Value again = fuzz::load(second.path(), torchkeep::Access::read);
  if (again.size() != value.size() || write(again) != written) __builtin_trap();
  return 0;
}
