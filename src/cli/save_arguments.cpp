#include "cli/save_arguments.h"

#include <map>

#include <CLI/Validators.hpp>

namespace torchkeep::cli {

void SaveArguments::add_to(CLI::App& command) {
  const std::map<std::string, Layout> layouts = {{"latest", Layout::latest},
                                                 {"torch-2.1", Layout::torch_2_1},
                                                 {"torch-1.13", Layout::torch_1_13}};
  command.add_option("--to", format, "The format to write, instead of that of the extension");
  command
      .add_option("--layout", layout,
                  "Lay a .pt out as this release does: latest, torch-2.1, torch-1.13")
      ->transform(CLI::CheckedTransformer(layouts))
      ->type_name("LAYOUT")
      ->option_text(" ");
  command.add_option("--root-name", root_name, "The folder inside a .pt");
  command.add_flag("--manifest", has_manifest, "Add checksums of every tensor to a .pt");
}

SaveOptions SaveArguments::options() const {
  SaveOptions options;
  options.format = format;
  if (layout) options.layout = *layout;
  options.root_name = root_name;
  options.manifest = manifest();
  return options;
}

}  // namespace torchkeep::cli
