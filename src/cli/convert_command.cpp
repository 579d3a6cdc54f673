#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <torchkeep/convert_file.h>

#include "base/table.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/save_arguments.h"
#include "cli/torch_program.h"

namespace torchkeep::cli {
namespace {

struct ConvertArguments {
  std::filesystem::path from;
  std::filesystem::path to;
  SaveArguments save;
  ConvertOptions options;
  std::optional<std::string> dtype;
  std::vector<std::string> renamings;
  bool cast_all = false;
  std::string architecture;  // of a whole model to be made
  bool state_dict = false;
  bool drop_non_tensors = false;
  bool json = false;
};

std::optional<DType> dtype_of(const std::string& name) {
  static const std::map<std::string, std::string> kAliases = {
      {"half", "float16"}, {"fp16", "float16"},   {"bf16", "bfloat16"}, {"float", "float32"},
      {"fp32", "float32"}, {"double", "float64"}, {"fp64", "float64"}};
  const auto alias = kAliases.find(name);
  return dtype_from_name(alias == kAliases.end() ? name : alias->second);
}

std::string check_dtype(const std::string& name) {
  return dtype_of(name) ? ""
                        : "no such element type: " + name + " (expected float16, bfloat16, ...)";
}

std::string check_renaming(const std::string& text) {
  return text.find('=') == std::string::npos ? "expected FROM=TO, got " + text : "";
}

ConvertOptions options_of(const ConvertArguments& arguments) {
  ConvertOptions options = arguments.options;
  options.format = arguments.save.format;
  options.layout = arguments.save.layout;
  options.root_name = arguments.save.root_name;
  options.manifest = arguments.save.manifest();
  if (arguments.dtype) options.dtype = dtype_of(*arguments.dtype);
  if (arguments.cast_all) options.casts = ConvertOptions::Casts::all;
  if (arguments.state_dict) options.whole_model = ConvertOptions::WholeModel::state_dict;
  if (arguments.drop_non_tensors) options.non_tensors = ConvertOptions::NonTensors::drop;
  for (const std::string& text : arguments.renamings) {
    const std::size_t sign = text.find('=');
    options.renamings.emplace_back(text.substr(0, sign), text.substr(sign + 1));
  }
  return options;
}

ExitStatus run_convert(const ConvertArguments& arguments) {
  const Conversion conversion = convert_file(arguments.from, arguments.to, options_of(arguments));
  for (const std::string& warning : conversion.warnings) write_error("warning: " + warning);
  if (!conversion.dropped.empty()) {
    write_error("warning: dropped " + counted(conversion.dropped.size(), "value") +
                (conversion.dropped.size() == 1 ? " that is no tensor" : " that are no tensors"));
  }
  write_output(arguments.json ? to_json(conversion) + "\n" : to_string(conversion));
  return ExitStatus::done;
}

void add_name_options(CLI::App& command, ConvertArguments& arguments) {
  ConvertOptions& options = arguments.options;
  command.add_option("--key", options.key, "Convert only this part, as a dotted path");
  command.add_option("--include", options.include, "Only tensors whose name matches a glob")
      ->take_all()
      ->allow_extra_args(false);
  command.add_option("--exclude", options.exclude, "No tensors whose name matches a glob")
      ->take_all()
      ->allow_extra_args(false);
  command.add_option("--strip-prefix", options.strip_prefixes, "Remove this from the names")
      ->take_all()
      ->allow_extra_args(false);
  command
      .add_option("--rename", arguments.renamings,
                  "FROM=TO: rename; a * in FROM stands for any text, which the * in TO gives back")
      ->take_all()
      ->allow_extra_args(false)
      ->check(CLI::Validator(check_renaming, ""));
  command.add_option("--add-prefix", options.add_prefix, "Put this in front of the names");
}

}  // namespace

void add_convert_command(Program& program, char** argv) {
  const auto arguments = std::make_shared<ConvertArguments>();
  CLI::App& command = program.add_command(
      {.name = "convert",
       .summary = "Write a file again in another format, type or with other names",
       .examples = "torchkeep convert model.pt model.safetensors\n"
                   "torchkeep convert checkpoint.pt weights.npz --key model_state_dict\n"
                   "torchkeep convert model.pt half.pt --dtype float16\n"
                   "torchkeep convert old.pth new.pt --key state_dict --strip-prefix module.\n"
                   "torchkeep convert model.pt head.pt --include 'fc.*' --rename 'fc.*=head.*'\n"
                   "torchkeep convert whole_model.pt state_dict.pt --state-dict\n"
                   "torchkeep convert state_dict.pt whole_model.pt --arch resnet18"},
      [arguments, argv] {
        if (!arguments->architecture.empty()) start_torch_program(argv);
        return run_convert(*arguments);
      });
  command.add_option("IN", arguments->from, "The file to read, of any format")->required();
  command.add_option("OUT", arguments->to, "The file to write; its extension names the format")
      ->required();
  arguments->save.add_to(command);
  command.add_option("--dtype", arguments->dtype, "Convert floating-point tensors to this type")
      ->check(CLI::Validator(check_dtype, ""));
  command.add_flag("--cast-all", arguments->cast_all, "Convert integer tensors to it, too");
  add_name_options(command, *arguments);
  command.add_flag("--state-dict", arguments->state_dict, "Of a whole model, write the state dict");
  command.add_option("--arch", arguments->architecture,
                     "Make a whole model of this architecture of a file of parameters (needs "
                     "LibTorch)");
  command
      .add_option("--max-shard-size", arguments->options.max_shard_bytes,
                  "Split into files of at most this size, such as 5GB")
      ->transform(CLI::AsSizeValue(true));
  command.add_flag("--drop-non-tensors", arguments->drop_non_tensors,
                   "Leave out values that the format cannot hold");
  command.add_flag("--json", arguments->json, "Print one JSON document");
}

}  // namespace torchkeep::cli
