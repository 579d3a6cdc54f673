// The program `torchkeep`: its own commands, and the start of those that need LibTorch.
#include <string>

#include "cli/commands.h"
#include "cli/torch_commands.h"
#include "cli/torch_program.h"

namespace cli = torchkeep::cli;

namespace {

constexpr const char* kDescription =
    "torchkeep keeps PyTorch models in C++: it saves, loads, resumes and transfers what "
    "torch.save\n"
    "and torch.load write and read. Nothing in a file is ever executed.";

constexpr const char* kExamples =
    "torchkeep inspect model.pt            what is in a file\n"
    "torchkeep inspect model.pt --json     the same for programs\n"
    "torchkeep verify model.pt             whether it is whole\n"
    "torchkeep convert model.pt model.safetensors\n"
    "torchkeep inspect --help              the options of a command";

}  // namespace

int main(int argc, char** argv) {
  cli::Program program(kDescription, kExamples);
  cli::add_inspect_command(program);
  cli::add_diff_command(program);
  cli::add_convert_command(program, argv);
  cli::add_extract_command(program);
  cli::add_average_command(program);
  cli::add_list_command(program);
  cli::add_best_command(program);
  cli::add_clean_command(program);
  cli::add_lineage_command(program);
  cli::add_materialize_command(program);
  cli::add_repair_command(program);
  cli::add_scan_command(program);
  cli::add_verify_command(program);
  for (const cli::TorchCommand& command : cli::kTorchCommands) {
    program.add_delegated_command(std::string(command.name), std::string(command.summary),
                                  [argv] { cli::start_torch_program(argv); });
  }
  return program.run(argc, argv);
}
