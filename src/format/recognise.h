// How archives look that are not of torch.save but are read as such.
#pragma once

namespace torchkeep {

class Probe;

bool recognises_cpp_archive(const Probe& probe);
bool recognises_torchscript(const Probe& probe);

}  // namespace torchkeep
