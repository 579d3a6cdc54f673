#include <memory>

#include <torchkeep/model.h>

#include "cli/commands.h"
#include "cli/model_file.h"
#include "cli/save_arguments.h"

namespace torchkeep::cli {
namespace convert_to_model_detail {

struct Arguments {
  ModelArguments model;
  std::filesystem::path to;
  SaveArguments save;
};

ExitStatus convert(const Arguments& arguments) {
  save_model(load_whole_model(arguments.model), arguments.to, arguments.save.options());
  return ExitStatus::done;
}

}  // namespace convert_to_model_detail

// What `convert --arch` does. The program without LibTorch has its help.
void add_convert_to_model_command(Program& program) {
  const auto arguments = std::make_shared<convert_to_model_detail::Arguments>();
  CLI::App& command = program.add_command(
      {.name = "convert",
       .summary = "Make a whole model of a file of parameters",
       .examples = "torchkeep convert state_dict.pt whole_model.pt --arch resnet18"},
      [arguments] { return convert_to_model_detail::convert(*arguments); });
  add_model_options(command, arguments->model);
  command.add_option("OUT", arguments->to, "The file to write")->required();
  arguments->save.add_to(command);
}

}  // namespace torchkeep::cli
