// The commands: one function a command, each in a file of its own.
#pragma once

#include "cli/program.h"

namespace torchkeep::cli {

// Of the program `torchkeep`.
void add_average_command(Program& program);
void add_best_command(Program& program);
// `argv` is that of the process, for the part that needs LibTorch.
void add_convert_command(Program& program, char** argv);
void add_diff_command(Program& program);
void add_extract_command(Program& program);
void add_clean_command(Program& program);
void add_inspect_command(Program& program);
void add_lineage_command(Program& program);
void add_list_command(Program& program);
void add_materialize_command(Program& program);
void add_repair_command(Program& program);
void add_scan_command(Program& program);
void add_verify_command(Program& program);

// Of the program `torchkeep-torch`.
void add_convert_to_model_command(Program& program);
void add_download_command(Program& program);
void add_eval_command(Program& program);
void add_features_command(Program& program);
void add_find_lr_command(Program& program);
void add_models_command(Program& program);
void add_predict_command(Program& program);
void add_prove_resume_command(Program& program);
void add_resume_command(Program& program);
void add_run_command(Program& program);
void add_summary_command(Program& program);
void add_train_command(Program& program);

}  // namespace torchkeep::cli
