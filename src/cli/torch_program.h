// Starting the second program, which has LibTorch.
#pragma once

namespace torchkeep::cli {

// Replaces this process by `torchkeep-torch` with the same arguments, looked for beside this
// program and where `cmake --install` puts it (../libexec/torchkeep). Throws unsupported if this
// build has none, io if it cannot be started; does not return otherwise.
[[noreturn]] void start_torch_program(char** argv);

}  // namespace torchkeep::cli
