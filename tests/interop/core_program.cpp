// The core as a program for tests written in Python.
//
//   resave IN OUT LAYOUT   reads IN, writes OUT with whole storages; LAYOUT is "torch-1.13",
//                          "latest", "own", which is that of IN, with its root, or the name of
//                          another format, such as "pt-legacy"
//   shard IN OUT BYTES     the same in files of at most so many bytes of tensors
//   rewrite IN OUT         writes the records of IN again
//   inspect FILE...        prints each file's summary with hashes as JSON
//   resave-all DIR OUT     every file of DIR as `resave` does with "own", in one process
//   random DIR COUNT SEED  writes random files
//   describe IN            prints the value, or the error with its code, and never fails
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <torchkeep/error.h>
#include <torchkeep/inspect.h>
#include <torchkeep/load.h>
#include <torchkeep/save.h>
#include <torchkeep/value.h>

#include "format/pt/layout.h"
#include "format/pt/rewrite.h"
#include "random_files.h"

namespace tk = torchkeep;

namespace {

// The options with which IN comes out as it is.
tk::SaveOptions options_for(const std::string& in, std::string_view layout) {
  tk::SaveOptions options{.durability = tk::Durability::cached, .storages = tk::Storages::whole};
  if (layout == "torch-1.13") {
    options.layout = tk::Layout::torch_1_13;
  } else if (layout == "own") {
    const tk::zip::Reader reader(std::make_shared<const tk::io::InputFile>(in), {});
    const tk::pt::Archive archive(reader);
    options.layout = tk::pt::layout_of(archive);
    options.root_name = archive.root();
  } else if (layout != "latest") {
    options.format = std::string(layout);
  }
  return options;
}

int resave(const std::string& in, const std::string& out, std::string_view layout) {
  tk::save(tk::load(in), out, options_for(in, layout));
  return 0;
}

int resave_all(const std::filesystem::path& from, const std::filesystem::path& to) {
  for (const auto& entry : std::filesystem::directory_iterator(from)) {
    resave(entry.path(), to / entry.path().filename(), "own");
  }
  return 0;
}

int inspect(std::span<const std::string> paths) {
  for (const std::string& path : paths) {
    std::cout << tk::to_json(tk::inspect(path, {.hash = tk::InspectOptions::Hash::sha256})) << '\n';
  }
  return 0;
}

int shard(const std::string& in, const std::string& out, const std::string& bytes) {
  tk::save(tk::load(in), out,
           {.durability = tk::Durability::cached, .max_shard_bytes = std::stoull(bytes)});
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

int run(std::span<const std::string> arguments) {
  const std::string command = arguments.empty() ? "" : arguments[0];
  const std::size_t count = arguments.size();
  if (command == "resave" && count == 4) return resave(arguments[1], arguments[2], arguments[3]);
  if (command == "resave-all" && count == 3) return resave_all(arguments[1], arguments[2]);
  if (command == "shard" && count == 4) return shard(arguments[1], arguments[2], arguments[3]);
  if (command == "inspect") return inspect(arguments.subspan(1));
  if (command == "describe" && count == 2) return describe(arguments[1]);
  if (command == "rewrite" && count == 3) {
    tk::pt::rewrite_file(arguments[1], arguments[2], tk::Durability::cached);
    return 0;
  }
  if (command == "random" && count == 4) {
    tk::interop::write_random_files(arguments[1], std::stoi(arguments[2]),
                                    std::stoull(arguments[3]));
    return 0;
  }
  std::cerr << "the commands are listed in core_program.cpp\n";
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  try {
    return run(arguments);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 3;
  }
}
