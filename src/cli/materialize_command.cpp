#include <filesystem>
#include <memory>

#include <torchkeep/delta.h>

#include <fmt/format.h>

#include "base/printable.h"
#include "base/table.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/save_arguments.h"

namespace torchkeep::cli {

void add_materialize_command(Program& program) {
  struct Arguments {
    std::filesystem::path from;
    std::filesystem::path to;
    SaveArguments save;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& command = program.add_command(
      {.name = "materialize",
       .summary = "Write a delta as a file that needs no base",
       .examples = "torchkeep materialize runs/second/004-500.pt whole.pt"},
      [arguments] {
        materialize(arguments->from, arguments->to, arguments->save.options());
        write_output(fmt::format("{}: {}\n", printable(arguments->to.string()),
                                 human_size(std::filesystem::file_size(arguments->to))));
        return ExitStatus::done;
      });
  command.add_option("IN", arguments->from, "The delta")->required();
  command.add_option("OUT", arguments->to, "The file to write")->required();
  arguments->save.add_to(command);
}

}  // namespace torchkeep::cli
