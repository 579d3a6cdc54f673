#include <utility>

#include <fmt/format.h>

#include "format/hostile/hostile_file.h"
#include "format/pickle/opcode.h"
#include "format/pickle/pickle_bytes.h"

namespace torchkeep::testing {
namespace {

using Outcome = HostileFile::Outcome;

const std::string kStart("\x80\x02", 2);

void add(HostileFiles& files,
         std::string name,
         const std::string& body,
         Outcome outcome = Outcome::refused) {
  files.push_back({std::move(name), build_zip(records_with(kStart + body)), outcome});
}

std::string little_endian(std::uint64_t number, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(number >> (8 * i));
  return text;
}

std::string text(std::string_view utf8) {
  return "X" + little_endian(utf8.size(), 4) + std::string(utf8);
}

// Every opcode where none may stand: alone, without its argument, and after a value.
void add_opcodes(HostileFiles& files) {
  for (const pickle::OpcodeInfo& info : pickle::kOpcodes) {
    const std::string opcode(1, static_cast<char>(info.opcode));
    const bool has_argument = info.argument != pickle::ArgumentForm::none;
    add(files, fmt::format("{} at the end", info.name), opcode);
    add(files, fmt::format("{} with zeros", info.name), opcode + std::string(9, '\0'),
        Outcome::either);
    add(files, fmt::format("{} alone", info.name), opcode + ".", Outcome::either);
    if (has_argument) {
      add(files, fmt::format("{} with the largest length", info.name),
          opcode + std::string(8, '\xff'));
    }
  }
  for (int byte = 0; byte < 256; ++byte) {
    if (pickle::find_opcode(static_cast<std::uint8_t>(byte)) == nullptr) {
      add(files, fmt::format("no opcode {:02x}", byte), std::string(1, static_cast<char>(byte)));
    }
  }
}

struct Target {
  const char* name;
  std::string pickle;
};

std::vector<Target> targets() {
  return {{"None", "N"},
          {"bool", "\x88"},
          {"int", "K\1"},
          {"float", "G" + std::string(8, '\0')},
          {"str", text("x")},
          {"bytes", "C\1x"},
          {"tuple", "N\x85"},
          {"class", "cos\nsystem\n"},
          {"int of many bytes", "\x8a\x0a" + std::string(10, '\x7f')}};
}

// Items and attributes of what has none.
void add_fillings(HostileFiles& files) {
  const std::vector<Target> fillings = {{"APPEND", "Na"},
                                        {"APPENDS", "(Ne"},
                                        {"SETITEM", "K\1Ns"},
                                        {"SETITEMS", "(K\1Nu"},
                                        {"ADDITEMS", std::string("(N\x90")},
                                        {"BUILD", "}b"}};
  for (const Target& target : targets()) {
    for (const Target& filling : fillings) {
      add(files, fmt::format("{} of {}", filling.name, target.name),
          target.pickle + filling.pickle + ".");
    }
  }
  add(files, "SETITEMS of an odd number", "}(K\1K\2K\3u.");
  add(files, "SETITEM of a list", "]K\1K\2s.");
  add(files, "APPEND to a dict", "}Na.");
  add(files, "ADDITEMS to a list", std::string("](N\x90."));
  for (const char* key : {"]", "}", "\x8f", "]\x85"}) {
    add(files, fmt::format("unhashable key {}", key), std::string("}") + key + "Ns.");
  }
}

void add_calls(HostileFiles& files) {
  for (const Target& target : targets()) {
    if (std::string(target.name) == "class") continue;
    add(files, fmt::format("REDUCE of {}", target.name), target.pickle + ")R.");
    add(files, fmt::format("NEWOBJ of {}", target.name), target.pickle + ")\x81.");
  }
  for (const Target& target : targets()) {
    if (std::string(target.name) == "tuple") continue;
    add(files, fmt::format("REDUCE with {}", target.name), "cos\nsystem\n" + target.pickle + "R.");
  }
  for (const char* name : {"\n", "os\n\n", "\nsystem\n", "os\n.\n", "os\na..b\n", "o\x01s\na\n",
                           "\xff\na\n", "os\nsystem"}) {
    add(files, fmt::format("name {}", name), std::string("c") + name + ")R.");
  }
}

// What would run code in Python: named, and nothing more.
void add_payloads(HostileFiles& files) {
  for (const char* name :
       {"os system",
        "posix system",
        "nt system",
        "builtins eval",
        "__builtin__ eval",
        "builtins exec",
        "builtins compile",
        "builtins __import__",
        "builtins getattr",
        "builtins open",
        "subprocess Popen",
        "subprocess check_output",
        "pty spawn",
        "runpy run_path",
        "importlib import_module",
        "socket create_connection",
        "shutil rmtree",
        "webbrowser open",
        "code InteractiveInterpreter.runcode",
        "bdb Bdb.run",
        "pdb run",
        "timeit timeit",
        "cProfile run",
        "profile Profile.runctx",
        "doctest debug_script",
        "pickle loads",
        "_pickle loads",
        "torch load",
        "torch.hub load",
        "torch.jit load",
        "torch.utils.cpp_extension load_inline",
        "torch._dynamo.guards GuardBuilder.get",
        "torch.fx.experimental.symbolic_shapes ShapeEnv.evaluate_guards_expression",
        "torch.utils.collect_env run",
        "torch.utils.bottleneck.__main__ run_cprofile",
        "torch.utils.data.datapipes.utils.decoder basichandlers",
        "numpy.testing._private.utils runstring",
        "numpy.f2py.crackfortran getlincoef",
        "pip main",
        "pydoc pipepager",
        "asyncio.unix_events _UnixSubprocessTransport._start",
        "lib2to3.pgen2.grammar Grammar.loads",
        "idlelib.pyshell ModifiedInterpreter.runcode",
        "operator attrgetter",
        "functools partial",
        "types CodeType",
        "sys exit",
        "multiprocessing.util spawnv_passfds",
        "ctypes CDLL",
        "marshal loads"}) {
    std::string lines(name);
    lines[lines.find(' ')] = '\n';
    add(files, fmt::format("call of {}", name), "c" + lines + "\n" + text("id") + "\x85R.",
        Outcome::inert);
    add(files, fmt::format("instance of {}", name), "(i" + lines + "\n.", Outcome::inert);
  }
  add(files, "payload before a broken end", "cos\nsystem\n" + text("id") + "\x85R\xff");
}

std::string repeated(const std::string& part, int times) {
  std::string whole;
  for (int i = 0; i < times; ++i) whole += part;
  return whole;
}

void add_bombs(HostileFiles& files) {
  add(files, "deep list", std::string(900'000, ']') + repeated("a", 899'999) + ".", Outcome::inert);
  add(files, "too deep list", std::string(2'000'000, ']'));
  add(files, "deep tuple", "N" + std::string(900'000, '\x85') + ".", Outcome::inert);
  add(files, "many marks", std::string(2'000'000, '('));
  std::string laughs = "N\x85q" + std::string(1, '\0');
  for (int i = 0; i < 100; ++i) {
    laughs += "h" + std::string(1, static_cast<char>(i)) + "h" +
              std::string(1, static_cast<char>(i)) + "\x86q" +
              std::string(1, static_cast<char>(i + 1));
  }
  add(files, "tuples that double", laughs + ".", Outcome::either);
  add(files, "a key of tuples that double", "}" + laughs + "Ns.");
  add(files, "a list in itself", std::string("]q\0h\0a.", 7), Outcome::inert);
  add(files, "a dict in itself", std::string("}q\0K\1h\0s.", 9), Outcome::inert);
  add(files, "an object in itself", std::string("ca\nb\n)\x81q\0h\0b.", 13), Outcome::inert);
  add(files, "a memo entry far away", "Nr\xff\xff\xff\x7f.", Outcome::inert);
  add(files, "a memo entry at the end", "Nr\xff\xff\xff\xff.", Outcome::inert);
  add(files, "no memo entry", "h\5.");
  add(files, "a long int", "\x8b" + little_endian(5000, 4) + std::string(5000, '\x7f') + ".");
  add(files, "a long decimal", "L" + std::string(100'000, '9') + "L\n.");
  add(files, "a negative length", "\x8b" + little_endian(0xFFFFFFFF, 4) + ".");
  for (const char opcode : {'X', 'B', 'T'}) {
    for (const std::uint64_t size : {0x7FFFFFFFULL, 0xFFFFFFFFULL, 100ULL}) {
      add(files, fmt::format("{} of {} bytes", opcode, size),
          std::string(1, opcode) + little_endian(size, 4) + "x.");
    }
  }
  for (const char opcode : {'\x8d', '\x8e', '\x95', '\x96'}) {
    for (const std::uint64_t size : {~0ULL, 1ULL << 63, 1ULL << 32, 100ULL}) {
      add(files, fmt::format("{:02x} of {} bytes", static_cast<unsigned char>(opcode), size),
          std::string(1, opcode) + little_endian(size, 8) + "x.");
    }
  }
  std::string colliding = "}(";
  for (std::uint64_t i = 0; i < 100'000; ++i) {  // all in one bucket of an unordered_map
    colliding += "\x8a\x08" + little_endian(i * 107'897, 8) + "N";
  }
  add(files, "keys that collide", colliding + "u.", Outcome::inert);
}

void add_ends(HostileFiles& files) {
  add(files, "nothing", "");
  add(files, "only STOP", ".");
  add(files, "no STOP", "N");
  add(files, "two values", "NN.");
  add(files, "a mark left", "(N.");
  add(files, "bytes behind", "N.N");
  add(files, "a second pickle", "N.\x80\x02N.");
  add(files, "POP of nothing", "0N.");
  add(files, "TUPLE without MARK", "Nt.");
  add(files, "POP_MARK without MARK", "N1.");
  for (int protocol = 6; protocol < 256; protocol += 25) {
    const std::string body = std::string("\x80") + static_cast<char>(protocol) + "N.";
    files.push_back({fmt::format("protocol {}", protocol), build_zip(records_with(body))});
  }
}

}  // namespace

HostileFiles hostile_pickles() {
  HostileFiles files;
  add_opcodes(files);
  add_fillings(files);
  add_calls(files);
  add_payloads(files);
  add_bombs(files);
  add_ends(files);
  return files;
}

}  // namespace torchkeep::testing
