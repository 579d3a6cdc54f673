#include <filesystem>
#include <memory>

#include <torchkeep/lineage.h>

#include "cli/commands.h"
#include "cli/output.h"

namespace torchkeep::cli {

void add_lineage_command(Program& program) {
  struct Arguments {
    std::filesystem::path file;
    bool json = false;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& command =
      program.add_command({.name = "lineage",
                           .summary = "Show the files that a checkpoint comes from",
                           .examples = "torchkeep lineage runs/second/004-500.pt\n"
                                       "torchkeep lineage runs/second/004-500.pt --json"},
                          [arguments] {
                            const auto chain = lineage(arguments->file);
                            write_output(arguments->json ? to_json(chain) : to_string(chain));
                            return ExitStatus::done;
                          });
  command.add_option("FILE", arguments->file, "The checkpoint")->required();
  command.add_flag("--json", arguments->json, "Print one JSON document");
}

}  // namespace torchkeep::cli
