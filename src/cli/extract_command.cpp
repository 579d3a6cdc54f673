#include <filesystem>
#include <memory>
#include <string>

#include <torchkeep/extract.h>
#include <torchkeep/save.h>

#include "base/fail.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/save_arguments.h"

namespace torchkeep::cli {
namespace {

struct ExtractArguments {
  std::filesystem::path file;
  std::string key;
  std::optional<std::filesystem::path> output;
  SaveArguments save;
};

std::string shown(const ExtractArguments& arguments, const Value& value) {
  if (!value.is_tensor()) return to_string(value);
  try {
    return elements_to_string(value.as_tensor());
  } catch (const Error& error) {
    fail_at(error.code(), {.path = arguments.file.string(), .tensor = arguments.key},
            "write it to a file with -o", "{}", error.problem());
  }
}

ExitStatus run_extract(const ExtractArguments& arguments) {
  const Value value = extract(arguments.file, arguments.key);
  if (arguments.output) {
    save(value, *arguments.output, arguments.save.options());
  } else {
    write_output(shown(arguments, value) + "\n");
  }
  return ExitStatus::done;
}

}  // namespace

void add_extract_command(Program& program) {
  const auto arguments = std::make_shared<ExtractArguments>();
  CLI::App& command = program.add_command(
      {.name = "extract",
       .summary = "Show one tensor or value of a file, or write it to another",
       .examples = "torchkeep extract checkpoint.pt epoch\n"
                   "torchkeep extract model.pt features.0.weight -o weight.npy\n"
                   "torchkeep extract checkpoint.pt model_state_dict -o model.safetensors"},
      [arguments] { return run_extract(*arguments); });
  command.add_option("FILE", arguments->file, "The file")->required();
  command.add_option("KEY", arguments->key, "The dotted name, as `torchkeep inspect` shows it")
      ->required();
  command.add_option("-o,--output", arguments->output,
                     "The file to write, such as weight.npy or part.pt; without: show it");
  arguments->save.add_to(command);
}

}  // namespace torchkeep::cli
