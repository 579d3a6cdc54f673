// The core as a program for tests written in Python.
//
//   resave IN OUT LAYOUT   reads IN, writes OUT; LAYOUT is "torch-1.13" or "latest", or the name
//                          of another format, such as "pt-legacy"
//   describe IN            prints the value, or the error with its code, and never fails
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <torchkeep/error.h>
#include <torchkeep/load.h>
#include <torchkeep/save.h>
#include <torchkeep/value.h>

namespace tk = torchkeep;

namespace {

int resave(const std::string& in, const std::string& out, std::string_view layout) {
  tk::SaveOptions options = {.format = "pt", .durability = tk::Durability::cached};
  if (layout == "torch-1.13") {
    options.layout = tk::Layout::torch_1_13;
  } else if (layout != "latest") {
    options.format = std::string(layout);
  }
  tk::save(tk::load(in), out, options);
  return 0;
}

int describe(const std::string& in) {
  try {
    std::cout << tk::to_string(tk::load(in)) << '\n';
  } catch (const tk::Error& error) {
    std::cout << name(error.code()) << ": " << error.what() << '\n';
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  try {
    if (arguments.size() == 4 && arguments[0] == "resave") {
      return resave(arguments[1], arguments[2], arguments[3]);
    }
    if (arguments.size() == 2 && arguments[0] == "describe") return describe(arguments[1]);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 3;
  }
  std::cerr << "usage: torchkeep_interop_core resave IN OUT LAYOUT | describe IN\n";
  return 2;
}
