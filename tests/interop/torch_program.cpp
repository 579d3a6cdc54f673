// The half with LibTorch as a program for tests written in Python: COMMAND ARGUMENTS...
#include "interop/torch_program.h"

#include <exception>
#include <iostream>

int main(int argc, char** argv) {
  torchkeep::interop::Arguments arguments(argv + 1, argv + argc);
  try {
    torchkeep::interop::Commands commands = torchkeep::interop::model_commands();
    commands.merge(torchkeep::interop::hub_commands());
    commands.merge(torchkeep::interop::module_commands());
    commands.merge(torchkeep::interop::optimizer_commands());
    commands.merge(torchkeep::interop::resume_commands());
    commands.merge(torchkeep::interop::schedule_commands());
    commands.merge(torchkeep::interop::vision_commands());
    commands.merge(torchkeep::interop::whole_model_commands());
    commands.merge(torchkeep::interop::zoo_commands());
    const auto command = arguments.empty() ? commands.end() : commands.find(arguments.front());
    if (command == commands.end()) {
      std::cerr << "usage: torchkeep_interop_torch COMMAND ARGUMENTS...; the commands are\n";
      for (const auto& [name, run] : commands) std::cerr << "  " << name << '\n';
      return 2;
    }
    arguments.erase(arguments.begin());
    command->second(arguments);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 3;
  }
}
