// The core as a program for tests written in Python.
//
//   resave IN OUT LAYOUT   reads IN, writes OUT; LAYOUT is "torch-1.13" or "latest", or the name
//                          of another format than the extension says, such as "pt-legacy"
//   shard IN OUT BYTES     the same in files of at most so many bytes of tensors
//   inspect IN             prints what is in it as JSON, with the hash of each tensor
//   describe IN            prints the value, or the error with its code, and never fails
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <torchkeep/error.h>
#include <torchkeep/inspect.h>
#include <torchkeep/load.h>
#include <torchkeep/save.h>
#include <torchkeep/value.h>

namespace tk = torchkeep;

namespace {

int resave(const std::string& in, const std::string& out, std::string_view layout) {
  tk::SaveOptions options = {.durability = tk::Durability::cached};
  if (layout == "torch-1.13") {
    options.layout = tk::Layout::torch_1_13;
  } else if (layout != "latest") {
    options.format = std::string(layout);
  }
  tk::save(tk::load(in), out, options);
  return 0;
}

int shard(const std::string& in, const std::string& out, const std::string& bytes) {
  tk::save(tk::load(in), out,
           {.durability = tk::Durability::cached, .max_shard_bytes = std::stoull(bytes)});
  return 0;
}

int inspect(const std::string& in) {
  std::cout << to_json(tk::inspect(in, {.hash = tk::InspectOptions::Hash::sha256})) << '\n';
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
    if (arguments.size() == 4 && arguments[0] == "shard") {
      return shard(arguments[1], arguments[2], arguments[3]);
    }
    if (arguments.size() == 2 && arguments[0] == "inspect") return inspect(arguments[1]);
    if (arguments.size() == 2 && arguments[0] == "describe") return describe(arguments[1]);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 3;
  }
  std::cerr
      << "usage: torchkeep_interop_core resave IN OUT LAYOUT | shard IN OUT BYTES | inspect IN | "
         "describe IN\n";
  return 2;
}
