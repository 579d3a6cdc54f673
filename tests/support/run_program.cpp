#include "support/run_program.h"

#include <fstream>
#include <iterator>
#include <system_error>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/temporary_directory.h"

namespace torchkeep::testing {
namespace {

// The redirections of a process that is going to be started.
class FileActions {
 public:
  FileActions() { posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  void open(int descriptor, const std::filesystem::path& path, int flags) {
    posix_spawn_file_actions_addopen(&actions_, descriptor, path.c_str(), flags, 0600);
  }
  void change_directory(const std::filesystem::path& path) {
    posix_spawn_file_actions_addchdir_np(&actions_, path.c_str());
  }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

int exit_status(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

}  // namespace

ProgramResult run_program(const std::vector<std::string>& command, const RunOptions& options) {
  const TemporaryDirectory directory;
  const std::filesystem::path output = options.standard_output.value_or(directory / "output");
  const std::filesystem::path errors = directory / "errors";
  constexpr int kCreate = O_WRONLY | O_CREAT | O_TRUNC;
  FileActions actions;
  actions.open(STDIN_FILENO, "/dev/null", O_RDONLY);
  actions.open(STDOUT_FILENO, output, kCreate);
  actions.open(STDERR_FILENO, errors, kCreate);
  if (!options.working_directory.empty()) actions.change_directory(options.working_directory);

  std::vector<std::string> arguments = command;
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t process = 0;
  const int error = posix_spawnp(&process, argv[0], actions.get(), nullptr, argv.data(), environ);
  if (error != 0) throw std::system_error(error, std::generic_category(), command.front());
  int status = 0;
  if (waitpid(process, &status, 0) < 0) {
    throw std::system_error(errno, std::generic_category(), "waitpid");
  }
  return {.exit_status = exit_status(status),
          .standard_output = options.standard_output ? "" : contents(output),
          .standard_error = contents(errors)};
}

}  // namespace torchkeep::testing
