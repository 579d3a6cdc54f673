#include "format/pt/layout.h"

namespace torchkeep::pt {

Layout layout_of(const Archive& archive) {
  if (archive.find(".format_version") != nullptr) return Layout::latest;
  if (archive.find("byteorder") != nullptr) return Layout::torch_2_1;
  return Layout::torch_1_13;
}

}  // namespace torchkeep::pt
