#include "cli/save_arguments.h"

#include <map>

namespace torchkeep::cli {
namespace {

const std::map<std::string, Layout> kLayouts = {{"latest", Layout::latest},
                                                {"torch-2.1", Layout::torch_2_1},
                                                {"torch-1.13", Layout::torch_1_13}};

std::string check_layout(const std::string& name) {
  return kLayouts.contains(name)
             ? ""
             : "no such layout: " + name + " (expected latest, torch-2.1 or torch-1.13)";
}

}  // namespace

void SaveArguments::add_to(CLI::App& command) {
  command.add_option("--to", format, "The format to write, instead of that of the extension");
  command
      .add_option_function<std::string>(
          "--layout", [this](const std::string& name) { layout = kLayouts.at(name); },
          "Lay a .pt out as this release does: latest, torch-2.1, torch-1.13")
      ->check(check_layout)
      ->type_name("LAYOUT");
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
