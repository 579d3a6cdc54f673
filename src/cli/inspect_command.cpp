#include <filesystem>
#include <memory>

#include <torchkeep/inspect.h>

#include "cli/commands.h"
#include "cli/output.h"

namespace torchkeep::cli {
namespace {

struct InspectArguments {
  std::filesystem::path file;
  bool json = false;
  bool hash = false;
};

ExitStatus run_inspect(const InspectArguments& arguments) {
  InspectOptions options;
  if (arguments.hash) options.hash = InspectOptions::Hash::sha256;
  const Summary summary = inspect(arguments.file, options);
  write_output((arguments.json ? to_json(summary) : to_string(summary)) + "\n");
  return ExitStatus::done;
}

}  // namespace

void add_inspect_command(Program& program) {
  const auto arguments = std::make_shared<InspectArguments>();
  CLI::App& command =
      program.add_command({.name = "inspect",
                           .summary = "Show what is in a file: its values and tensors",
                           .examples = "torchkeep inspect model.pt\n"
                                       "torchkeep inspect checkpoint.pt --json | jq .values.epoch\n"
                                       "torchkeep inspect model.pt --json --hash"},
                          [arguments] { return run_inspect(*arguments); });
  command.add_option("FILE", arguments->file, "The file")->required();
  command.add_flag("--json", arguments->json, "Print one JSON document");
  command.add_flag("--hash", arguments->hash, "Also compute the SHA-256 of every tensor");
}

}  // namespace torchkeep::cli
