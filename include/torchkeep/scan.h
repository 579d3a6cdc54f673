// Which Python classes and functions a file would import if Python unpickled it, and which of them
// could run code. torchkeep itself runs nothing: it follows the opcodes of the pickles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <torchkeep/limits.h>

namespace torchkeep {

// In rising order. docs/integrity.md lists what is in each class.
enum class Risk {
  data,      // builds plain data or tensors, such as collections.OrderedDict
  harmless,  // a known class or function that does no harm, such as torch.optim.sgd.SGD
  unknown,   // not in the tables: what it does depends on the code where it is loaded
  dangerous  // runs code, touches files, processes or the network, or helps to reach what does
};

// "data", "harmless", "unknown" or "dangerous".
std::string_view name(Risk risk);

// The risk of importing and calling module.name, by torchkeep's tables.
Risk risk_of_global(std::string_view module, std::string_view name);

// A global of one pickle. All uses of a name in a pickle are one entry.
struct ScannedGlobal {
  std::string name;     // "module.name" as Python 3 spells it
  std::string written;  // as the pickle has it, where that differs
  Risk risk = Risk::unknown;
  std::string record;        // the record or member that holds the pickle; empty: the file
  std::uint64_t offset = 0;  // of the opcode that imports it, in the record
  std::uint64_t count = 1;   // how often the pickle imports it
  bool is_called = false;    // rather than only named
  std::string note;          // why it is worse than its name; may be empty
};

// Something an honest program does not write, or that hides content from a scanner.
struct Suspicion {
  std::string record;                   // empty: the file
  std::optional<std::uint64_t> offset;  // in the record
  std::string problem;
};

struct ScanReport {
  enum class Verdict {
    clean,       // data and harmless globals only
    unknown,     // there are unknown globals
    suspicious,  // parts cannot be judged, or are built to mislead readers
    dangerous    // there are dangerous globals
  };

  std::filesystem::path path;
  std::string format;  // as `torchkeep inspect` names it, or "pickle", "zip", "7z", "unknown", ...
  std::uint64_t file_bytes = 0;
  std::uint64_t pickles = 0;  // that were followed
  std::vector<ScannedGlobal> globals;
  std::vector<Suspicion> suspicions;

  Verdict verdict() const;
};

std::string_view name(ScanReport::Verdict verdict);

struct ScanOptions {
  // Patterns of globals that count as harmless unless they are dangerous, such as "my_project.*".
  // A star stands for any text.
  std::vector<std::string> allow = {};
  Limits limits = {};
};

// Scans every pickle in the file: records of archives whatever their name, stacked pickles, members
// of tar files, object arrays of NumPy, pickles inside of pickles; also where the file is damaged
// or no reader would open it. Throws not_found, io, invalid_argument (a directory).
// Thread-safe; maps the file.
ScanReport scan(const std::filesystem::path& path, const ScanOptions& options = {});

// The regular files at or below `path`, sorted; links are not followed. Throws not_found, io.
std::vector<std::filesystem::path> files_below(const std::filesystem::path& path);

// For people.
std::string to_string(const ScanReport& report);
// One JSON document for all of them: {"files": [...]}, as `torchkeep scan --json` prints it.
std::string to_json(const std::vector<ScanReport>& reports);

}  // namespace torchkeep
