// Writing a file: one that Python's torch.load(path, weights_only=True) opens, or of another
// format.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <torchkeep/value.h>

namespace torchkeep {

// Which release of PyTorch the archive is laid out like. All of them read all layouts.
enum class Layout {
  latest,      // as PyTorch 2.7 and later write
  torch_1_13,  // as PyTorch 1.6 to 2.0 wrote
  torch_2_1    // as PyTorch 2.1 to 2.6 wrote
};

// When save() returns.
enum class Durability {
  synced,  // the file and its directory entry are on the disk: a power cut loses nothing
  cached   // the file is complete and in place, but may still be in the system's memory
};

// Whether the file tells what it holds: an additional record, which Python ignores, with the
// SHA-256 of every record and every tensor. It costs one more pass over the bytes.
enum class Manifest { none, sha256 };

// Tensors that overlap in memory, such as tied weights, in a format that keeps no sharing.
enum class SharedTensors {
  refuse,
  // Tensors that are the same are written once, under the first of their names in alphabetical
  // order. A safetensors file notes the other names in `__metadata__`, as safetensors' save_model()
  // does. Tensors that only overlap are refused.
  keep_one,
  copy  // each with bytes of its own
};

// Dicts inside the dict, in a format that holds one level of names.
enum class NestedDicts {
  refuse,
  flatten  // the keys on the way to a tensor, joined with dots, are its name
};

// How much of a storage is written of which the tensors show only a part.
enum class Storages {
  compact,  // from the first to the last element that any tensor of the value shows
  whole     // all of it, as torch.save writes it
};

struct SaveOptions {
  // The name of a format, as Summary::format has it. Nothing: what the extension of the path says,
  // and "pt" for an extension that says nothing.
  std::optional<std::string> format = std::nullopt;
  Layout layout = Layout::latest;  // of a pt
  Durability durability = Durability::synced;
  // The folder name inside the archive of a pt; nothing: the file's name without its last
  // extension, as torch.save does.
  std::optional<std::string> root_name = std::nullopt;
  Manifest manifest = Manifest::none;     // of a pt
  Storages storages = Storages::compact;  // of a pt or pt-legacy

  // Splits a dict of tensors into files of at most so many bytes of tensors: for "m.safetensors"
  // the files m-00001-of-00003.safetensors and so on, and m.safetensors.index.json, which load()
  // takes. A tensor that is larger has a file of its own. One file if all fits. Each file is
  // replaced as save() does it, the index last; then what an earlier save to this path has left is
  // removed. Nothing: one file whatever its size.
  std::optional<std::uint64_t> max_shard_bytes = std::nullopt;

  // Of a safetensors or npz, which hold nothing but named tensors.
  SharedTensors shared = SharedTensors::refuse;
  NestedDicts nested = NestedDicts::refuse;
  // Added to the `__metadata__` of a safetensors, after that which the value brings along as load()
  // gives it. Many programs expect {"format", "pt"}.
  std::vector<std::pair<std::string, std::string>> metadata = {};
};

// Writes `value` (a StateDict converts) to a temporary file beside `path` and renames it into
// place: `path` holds the old file or the whole new one at every moment. On an error the old file
// is untouched and nothing is left behind. Shared storages stay shared. Throws io, invalid_argument
// (no name before the extension; the directory is missing; `path` is a directory; no such format to
// write), unsupported (a value that contains itself, or that the format cannot hold). The tensors
// must not be written to by other threads meanwhile.
void save(const Value& value, const std::filesystem::path& path, const SaveOptions& options = {});

}  // namespace torchkeep
