#include <torchkeep/convert_file.h>

#include <fmt/format.h>

#include "base/table.h"
#include "inspect/json_value.h"

namespace torchkeep {

std::string to_string(const Conversion& conversion) {
  return fmt::format("{} -> {}: {}, {}{}\n", conversion.format_from, conversion.format_to,
                     counted(conversion.tensors, "tensor"), human_size(conversion.bytes),
                     conversion.rewritten ? ", as it is" : "");
}

std::string to_json(const Conversion& conversion) {
  return inspection::write_json({{"format_from", conversion.format_from},
                                 {"format_to", conversion.format_to},
                                 {"tensors", conversion.tensors},
                                 {"bytes", conversion.bytes},
                                 {"rewritten", conversion.rewritten},
                                 {"dropped", conversion.dropped},
                                 {"warnings", conversion.warnings}});
}

}  // namespace torchkeep
