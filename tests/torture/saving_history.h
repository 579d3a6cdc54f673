// Saves whose content their number decides, and what must be true of a directory that they were
// made in, whatever happened to the process or to the power.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <torchkeep/checkpoint_manager.h>

namespace torchkeep::torture {

// Two of the best by `loss`, and the last.
CheckpointManagerOptions history_options();

// Save number `step`, from 1: every third is an intermediate one, the others end an epoch.
void save_step(CheckpointManager& manager, std::int64_t step);

// Empty if all is well, or what is wrong: the newest checkpoint loads and is not older than the
// save that was acknowledged last (0: none), its tensors are those of its step, the best is at
// least as good as the best that was acknowledged, no file is broken, and the index, if there is
// one, is whole, names files that are there and what was acknowledged.
std::string what_is_wrong(const std::filesystem::path& directory, std::int64_t acknowledged);

// TORCHKEEP_TORTURE=full asks for the numbers of `./dev torture`, otherwise a minute must do.
int trials(int in_short, int in_full);

}  // namespace torchkeep::torture
