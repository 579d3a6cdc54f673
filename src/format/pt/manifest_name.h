// Names in a manifest.
#pragma once

#include <string>

#include "base/printable.h"
#include "base/utf8.h"

namespace torchkeep::pt {

// JSON holds nothing but UTF-8; the keys of a pickle may hold lone surrogates.
inline std::string manifest_name(const std::string& leaf_name) {
  return is_utf8(leaf_name) ? leaf_name : printable(leaf_name);
}

}  // namespace torchkeep::pt
