#include "cli/config_file.h"

#include <algorithm>
#include <string>
#include <system_error>

#include "base/fail.h"

namespace torchkeep::cli {
namespace config_file_detail {

void apply(CLI::App& command, const CLI::ConfigItem& item) {
  std::string name = item.name;
  std::ranges::replace(name, '_', '-');
  CLI::Option* option = command.get_option_no_throw("--" + name);
  if (option == nullptr || !item.parents.empty()) {
    fail_at(ErrorCode::invalid_argument, {}, "`--help` lists the names",
            "there is no option \"{}\"", item.fullname());
  }
  if (option->count() > 0) return;  // the command line wins
  option->add_result(item.inputs);
  option->run_callback();
}

}  // namespace config_file_detail

void apply_config_file(CLI::App& command, const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) {
    fail_at(ErrorCode::not_found, {.path = file.string()}, "", "there is no such file");
  }
  try {
    for (const CLI::ConfigItem& item : CLI::ConfigTOML().from_file(file.string())) {
      config_file_detail::apply(command, item);
    }
  } catch (Error& problem) {
    problem.add_place({.path = file.string()});
    throw;
  } catch (const CLI::Error& problem) {
    fail_at(ErrorCode::invalid_argument, {.path = file.string()}, "", "{}", problem.what());
  }
}

}  // namespace torchkeep::cli
