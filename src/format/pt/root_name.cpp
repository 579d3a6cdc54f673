#include "format/pt/root_name.h"

#include <algorithm>

#include "base/fail.h"
#include "format/zip/record.h"
#include "io/system_error.h"

namespace torchkeep::pt {
namespace {

constexpr const char* kDefaultRoot = "archive";

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

bool is_root_name(std::string_view name) {
  try {
    zip::check_record_name(name);
  } catch (const Error&) {
    return false;
  }
  return name.find('/') == std::string_view::npos;
}

std::string root_name(const std::filesystem::path& path, Layout layout) {
  const std::string text = path.string();
  const std::string name = text.substr(text.find_last_of("/\\") + 1);
  const std::string root = name.substr(0, name.rfind('.'));
  if (root.empty()) {
    fail_at(ErrorCode::invalid_argument, io::at_path(path), "choose a name such as model.pt",
            "the file has no name before its extension, which PyTorch needs");
  }
  if (!is_root_name(root) || (layout != Layout::torch_1_13 && !is_ascii(text))) return kDefaultRoot;
  return root;
}

}  // namespace torchkeep::pt
