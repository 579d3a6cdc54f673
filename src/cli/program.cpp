#include "cli/program.h"

#include <exception>
#include <new>
#include <string_view>
#include <utility>

#include <torchkeep/error.h>
#include <torchkeep/version.h>

#include <CLI/Config.hpp>  // App.hpp only declares these two
#include <CLI/Formatter.hpp>

#include "cli/output.h"
#include "cli/usage_error.h"

namespace torchkeep::cli {
namespace {

constexpr const char* kExitStatuses =
    "\n\nExit status: 0 done, 1 a negative answer, 2 wrong usage, 3 an error.";

std::string indented(const std::string& examples) {
  std::string text = "Examples:\n  ";
  for (const char character : examples) {
    text += character;
    if (character == '\n') text += "  ";
  }
  return text;
}

// LibTorch's errors carry a stack trace after the first line.
std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

}  // namespace

Program::Program(const std::string& description, const std::string& examples)
    : app_(description, "torchkeep") {
  app_.footer(indented(examples) + kExitStatuses);
  app_.set_version_flag("--version", std::string("torchkeep ") + TORCHKEEP_VERSION,
                        "Print the version and exit");
  app_.set_help_flag("--help,-h", "Print this help and exit");
  app_.require_subcommand(1);
}

CLI::App& Program::add_command(const CommandText& text, std::function<ExitStatus()> run) {
  CLI::App* command = app_.add_subcommand(text.name, text.summary);
  command->footer(indented(text.examples));
  command->callback([this, run = std::move(run)] { status_ = run(); });
  return *command;
}

void Program::add_delegated_command(std::string name,
                                    std::string summary,
                                    std::function<void()> start) {
  CLI::App* command = app_.add_subcommand(std::move(name), std::move(summary));
  command->set_help_flag();
  command->prefix_command();
  command->callback(std::move(start));
}

int Program::run(int argc, char** argv) {
  guard_standard_streams();
  command_line_.assign(argv, argv + argc);
  if (!command_line_.empty()) command_line_.front() = app_.get_name();
  try {
    return static_cast<int>(parse_and_run(argc, argv));
  } catch (const std::bad_alloc&) {
    write_error("not enough memory");
  } catch (const Error& error) {
    write_error(error.what());
  } catch (const std::exception& error) {
    write_error(first_line(error.what()));
  }
  return static_cast<int>(ExitStatus::error);
}

ExitStatus Program::parse_and_run(int argc, char** argv) {
  if (argc < 2) {
    write_error("missing command\n\n" + app_.help());
    return ExitStatus::wrong_usage;
  }
  try {
    app_.parse(argc, argv);
    return status_;
  } catch (const CLI::CallForHelp&) {
    write_output(app_.help());
  } catch (const CLI::CallForVersion& version) {
    write_output(std::string(version.what()) + "\n");
  } catch (const CLI::ParseError& error) {
    write_error(explain_usage_error(app_, error));
    return ExitStatus::wrong_usage;
  }
  return ExitStatus::done;
}

}  // namespace torchkeep::cli
