#include "format/recognise.h"

#include <algorithm>

#include "format/format.h"
#include "format/pt/archive.h"

namespace torchkeep {
namespace {

using namespace std::string_view_literals;

// The pickle of a module that C++ wrote begins with its class.
constexpr std::string_view kCppModule =
    "\x80\x02"
    "c__torch__\nModule\n"sv;

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

}  // namespace torchkeep
