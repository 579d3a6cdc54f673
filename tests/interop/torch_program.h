// The commands of the program for interop tests of the half with LibTorch.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace torchkeep::interop {

using Arguments = std::vector<std::string>;
using Commands = std::map<std::string, void (*)(const Arguments&)>;

Commands hub_commands();
Commands model_commands();
Commands module_commands();
Commands optimizer_commands();
Commands resume_commands();
Commands schedule_commands();
Commands vision_commands();
Commands whole_model_commands();
Commands zoo_commands();

}  // namespace torchkeep::interop
