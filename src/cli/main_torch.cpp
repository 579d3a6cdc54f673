// The program `torchkeep-torch`: the commands that need LibTorch. `torchkeep` starts it.
#include <cstdlib>
#include <string_view>

#include <torchkeep/caching_allocator.h>

#include "cli/commands.h"
#include "cli/program.h"

namespace {

// TORCHKEEP_ALLOCATOR=system leaves LibTorch its own, for comparisons.
void choose_allocator() {
  const char* chosen = std::getenv("TORCHKEEP_ALLOCATOR");
  if (chosen == nullptr || chosen != std::string_view("system")) {
    torchkeep::install_caching_allocator();
  }
}

}  // namespace

int main(int argc, char** argv) {
  choose_allocator();
  torchkeep::cli::Program program(
      "The commands of torchkeep that need LibTorch; started by the program torchkeep.",
      "torchkeep train --help");
  torchkeep::cli::add_train_command(program);
  torchkeep::cli::add_resume_command(program);
  torchkeep::cli::add_convert_to_model_command(program);
  torchkeep::cli::add_eval_command(program);
  torchkeep::cli::add_features_command(program);
  torchkeep::cli::add_find_lr_command(program);
  torchkeep::cli::add_predict_command(program);
  torchkeep::cli::add_prove_resume_command(program);
  torchkeep::cli::add_run_command(program);
  torchkeep::cli::add_summary_command(program);
  torchkeep::cli::add_models_command(program);
  torchkeep::cli::add_download_command(program);
  return program.run(argc, argv);
}
