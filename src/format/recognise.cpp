#include "format/recognise.h"

#include <algorithm>

#include "base/byte_reader.h"
#include "format/format.h"
#include "format/pt/archive.h"

namespace torchkeep {
namespace {

using namespace std::string_view_literals;

// The pickle of a module that C++ wrote begins with its class.
constexpr std::string_view kCppModule =
    "\x80\x02"
    "c__torch__\nModule\n"sv;
constexpr std::string_view kNpyMagic = "\x93NUMPY"sv;

std::string_view name_in_root(const zip::Record& record) {
  const std::size_t slash = record.name.find('/');
  return slash == std::string::npos ? std::string_view(record.name)
                                    : std::string_view(record.name).substr(slash + 1);
}

const zip::Record* find_in_root(const zip::Reader& archive, std::string_view name) {
  const auto found = std::ranges::find(archive.records(), name, name_in_root);
  return found == archive.records().end() ? nullptr : &*found;
}

bool is_script_archive(const Probe& probe) {
  const zip::Reader* archive = probe.archive();
  return archive != nullptr && (find_in_root(*archive, "constants.pkl") != nullptr ||
                                find_in_root(*archive, "model.json") != nullptr);
}

bool pickle_begins_with(const zip::Reader& archive, std::string_view start) {
  const zip::Record* pickle = find_in_root(archive, "data.pkl");
  if (pickle == nullptr || pickle->method != zip::Method::stored || pickle->bytes < start.size()) {
    return false;
  }
  std::string content(start.size(), '\0');
  archive.file().read(pickle->data_offset, std::as_writable_bytes(std::span(content)));
  return content == start;
}

}  // namespace

bool recognises_cpp_archive(const Probe& probe) {
  return is_script_archive(probe) && pickle_begins_with(*probe.archive(), kCppModule);
}

bool recognises_torchscript(const Probe& probe) { return is_script_archive(probe); }

bool recognises_npz(const Probe& probe) {
  const zip::Reader* archive = probe.archive();
  return archive != nullptr && !archive->records().empty() &&
         std::ranges::all_of(archive->records(), [](const zip::Record& record) {
           return record.name.ends_with(".npy");
         });
}

bool recognises_npy(const Probe& probe) { return probe.head().starts_with(kNpyMagic); }

bool recognises_safetensors(const Probe& probe) {
  constexpr std::uint64_t kMostHeaderBytes = 100'000'000;
  if (probe.head().size() < 10) return false;
  const std::uint64_t header_bytes = ByteReader(std::as_bytes(std::span(probe.head()))).u64();
  const std::size_t first = probe.head().find_first_not_of(" \t\r\n", 8);
  return header_bytes >= 2 && header_bytes <= kMostHeaderBytes && first != std::string_view::npos &&
         probe.head()[first] == '{';
}

bool recognises_index(const Probe& probe) {
  const std::size_t first = probe.head().find_first_not_of(" \t\r\n");
  return probe.path().filename().string().ends_with(".index.json") &&
         first != std::string_view::npos && probe.head()[first] == '{';
}

bool recognises_distributed_checkpoint(const Probe& probe) {
  std::error_code ignored;
  return probe.is_directory() && std::filesystem::exists(probe.path() / ".metadata", ignored);
}

}  // namespace torchkeep
