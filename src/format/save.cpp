#include <algorithm>
#include <string>

#include <torchkeep/save.h>

#include "base/fail.h"
#include "format/format.h"
#include "format/sharded/write.h"
#include "io/atomic_file.h"
#include "io/system_error.h"

namespace torchkeep {
namespace {

constexpr std::string_view kDefaultFormat = "pt";

std::string names_of_written_formats() {
  std::string names;
  for (const Format& format : formats()) {
    if (format.write == nullptr) continue;
    if (!names.empty()) names += ", ";
    names += format.name;
  }
  return names;
}

const Format& format_named(std::string_view name) {
  const auto found = std::ranges::find(formats(), name, &Format::name);
  if (found == formats().end() || found->write == nullptr) {
    fail(ErrorCode::invalid_argument, "torchkeep does not write the format \"{}\" (expected {})",
         name, names_of_written_formats());
  }
  return *found;
}

std::string lower_case_extension(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return extension;
}

}  // namespace

const Format& format_to_write(const std::filesystem::path& path,
                              const std::optional<std::string>& name) {
  if (name) return format_named(*name);
  const std::string extension = lower_case_extension(path);
  const auto found = std::ranges::find_if(formats(), [&](const Format& format) {
    return !format.extension.empty() && format.extension == extension;
  });
  return format_named(found == formats().end() ? kDefaultFormat : found->name);
}

void save(const Value& value, const std::filesystem::path& path, const SaveOptions& options) {
  try {
    const Format& format = format_to_write(path, options.format);
    if (options.max_shard_bytes) return sharded::save(value, path, format, options);
    io::AtomicFile file(path);
    format.write(value, path, options,
                 [&](std::span<const std::byte> bytes) { file.write(bytes); });
    file.commit(options.durability);
  } catch (Error& error) {
    error.add_place(io::at_path(path));
    throw;
  }
}

}  // namespace torchkeep
