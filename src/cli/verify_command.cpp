#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <torchkeep/error.h>
#include <torchkeep/verify.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/progress_bar.h"

namespace torchkeep::cli {
namespace {

struct VerifyArguments {
  std::vector<std::filesystem::path> files;
  bool json = false;
  bool require_checksums = false;
};

VerifyReport verify_with_progress(const std::filesystem::path& file) {
  ProgressBar bar("verifying " + file.filename().string());
  VerifyOptions options;
  options.progress = bar.function();
  return verify(file, options);
}

// A file that cannot be read does not keep the others from being verified.
ExitStatus run_verify(const VerifyArguments& arguments) {
  using Verdict = VerifyReport::Verdict;
  ExitStatus status = ExitStatus::done;
  std::vector<VerifyReport> reports;
  for (const std::filesystem::path& file : arguments.files) {
    try {
      const VerifyReport report = verify_with_progress(file);
      const Verdict verdict = report.verdict();
      if (verdict == Verdict::damaged ||
          (verdict == Verdict::unverified && arguments.require_checksums)) {
        status = std::max(status, ExitStatus::negative);
      }
      if (!arguments.json) write_output(to_string(report));
      reports.push_back(report);
    } catch (const Error& error) {
      if (arguments.files.size() == 1) throw;
      write_error(error.what());
      status = ExitStatus::error;
    }
  }
  if (arguments.json) write_output(to_json(reports) + "\n");
  return status;
}

}  // namespace

void add_verify_command(Program& program) {
  const auto arguments = std::make_shared<VerifyArguments>();
  CLI::App& command =
      program.add_command({.name = "verify",
                           .summary = "Check every checksum, bound and structure of files",
                           .examples = "torchkeep verify model.pt\n"
                                       "torchkeep verify runs/*/*.pt --json\n"
                                       "torchkeep verify model.pt --require-checksums"},
                          [arguments] { return run_verify(*arguments); });
  command.add_option("FILE", arguments->files, "The files")->required();
  command.add_flag("--require-checksums", arguments->require_checksums,
                   "Exit with 1 also where contents cannot be verified");
  command.add_flag("--json", arguments->json, "Print one JSON document");
}

}  // namespace torchkeep::cli
