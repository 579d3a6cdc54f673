// What the two programs `torchkeep` and `torchkeep-torch` have in common: commands, exit statuses
// and how errors are told.
//
// A command is one file, NAME_command.cpp, with one function `void add_NAME_command(Program&)` that
// is declared in commands.h and called in main.cpp (or main_torch.cpp, if it needs LibTorch). It
// adds its options and says what to do; the work itself is done by the library:
//
//   void add_best_command(Program& program) {
//     struct Arguments { std::filesystem::path directory; };
//     const auto arguments = std::make_shared<Arguments>();
//     CLI::App& command = program.add_command(
//         {.name = "best", .summary = "Print the path of the best checkpoint of a run",
//          .examples = "torchkeep best runs/first"},
//         [arguments] {
//           write_output(best(arguments->directory).string() + "\n");  // see output.h
//           return ExitStatus::done;
//         });
//     command.add_option("directory", arguments->directory, "The run")->required();
//   }
//
// A command that needs LibTorch also has a line in the table of torch_commands.h.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <CLI/App.hpp>

namespace torchkeep::cli {

enum class ExitStatus {
  done = 0,
  negative = 1,     // the answer is no: the files differ, the file is damaged or unsafe
  wrong_usage = 2,  // unknown command or option, missing or malformed argument
  error = 3         // everything that was thrown
};

struct CommandText {
  std::string name;
  std::string summary;   // one line for the list of commands
  std::string examples;  // whole command lines, one a line
};

class Program {
 public:
  // The text that `--help` shows above and below the list of commands.
  Program(const std::string& description, const std::string& examples);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Adds a command. `run` is called once its options were parsed; what it throws is told on
  // standard error. The returned reference, to which options are added, is valid as long as the
  // program.
  CLI::App& add_command(const CommandText& text, std::function<ExitStatus()> run);

  // Adds a command of which this program knows only the name: `start` is called with the rest of
  // the command line unread.
  void add_delegated_command(std::string name, std::string summary, std::function<void()> start);

  // The words of the command line, the first of them "torchkeep"; empty before run().
  const std::vector<std::string>& command_line() const { return command_line_; }

  // Parses the command line and runs the command. Returns the exit status of the process.
  int run(int argc, char** argv);

 private:
  ExitStatus parse_and_run(int argc, char** argv);

  CLI::App app_;
  std::vector<std::string> command_line_;
  ExitStatus status_ = ExitStatus::done;
};

}  // namespace torchkeep::cli
