// How the formats look that this version recognises but does not read.
#pragma once

namespace torchkeep {

class Probe;

bool recognises_cpp_archive(const Probe& probe);
bool recognises_torchscript(const Probe& probe);
bool recognises_npz(const Probe& probe);
bool recognises_npy(const Probe& probe);
bool recognises_safetensors(const Probe& probe);
bool recognises_index(const Probe& probe);
bool recognises_distributed_checkpoint(const Probe& probe);

}  // namespace torchkeep
