#include <algorithm>

#include <torchkeep/lineage.h>

#include "base/fail.h"
#include "format/file_reference.h"
#include "format/load_file.h"
#include "io/system_error.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;
using State = LineageStep::State;

constexpr const char* kKey = "lineage";
constexpr std::size_t kMostFiles = 1000;

// What a file says of itself that its children note.
constexpr const char* kNoted[] = {"epoch", "global_step", "versions", kKey};

fs::path directory_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

const Value* part_of(const Value& value, const char* key) {
  const Value* part = value.find(key);
  return part == nullptr || part->is_none() ? nullptr : part;
}

Value note_of(const fs::path& parent, const fs::path& directory) {
  Dict note = to_value(refer_to(parent, directory)).as_dict();
  const Value value = load_file(parent, {.access = Access::map}, Deltas::as_stored).content.value;
  for (const char* key : kNoted) {
    if (const Value* part = part_of(value, key)) note.set(key, *part);
  }
  return Value(std::move(note));
}

std::optional<std::int64_t> number_in(const Value& value, const char* key) {
  const Value* number = part_of(value, key);
  if (number == nullptr || !number->is_int()) return std::nullopt;
  return number->as_int();
}

// `about` is a checkpoint, or what its child has noted of it.
void describe(const Value& about, LineageStep& step) {
  step.epoch = number_in(about, "epoch");
  step.step = number_in(about, "global_step");
  if (const Value* versions = part_of(about, "versions"); versions && versions->is_dict()) {
    for (const auto& [program, version] : versions->as_dict()) {
      if (!program.is_string() || !version.is_string()) continue;
      step.versions.emplace_back(program.as_string(), version.as_string());
    }
  }
  const Value* notes = part_of(about, kKey);
  const Value* command = notes == nullptr ? nullptr : part_of(*notes, "command");
  if (command == nullptr) return;
  for (const Value& argument : command->items()) step.command.push_back(argument.as_string());
}

State state_of(FollowedReference::State state) {
  switch (state) {
    case FollowedReference::State::unchanged:
      return State::unchanged;
    case FollowedReference::State::changed:
      return State::changed;
    default:
      return State::missing;
  }
}

// Goes from the file to its parents, along the notes alone.
std::vector<LineageStep> walk(const fs::path& file) {
  std::error_code error;
  std::vector<LineageStep> chain{{.path = file, .bytes = fs::file_size(file, error)}};
  Value about = load_file(file, {.access = Access::map}, Deltas::as_stored).content.value;
  describe(about, chain.back());
  while (const Value* notes = part_of(about, kKey)) {
    const Value* parent = part_of(*notes, "parent");
    if (parent == nullptr) break;
    if (chain.size() == kMostFiles) {
      fail(ErrorCode::unsafe, "the lineage names more than {} files", kMostFiles);
    }
    const FileReference reference = file_reference_from_value(*parent);
    const FollowedReference found =
        follow(reference, directory_of(chain.back().path), Comparison::sha256);
    chain.push_back({.path = found.path,
                     .state = state_of(found.state),
                     .sha256 = reference.sha256,
                     .bytes = reference.bytes});
    describe(*parent, chain.back());
    about = Value(*parent);
  }
  std::ranges::reverse(chain);
  return chain;
}

}  // namespace

Value make_lineage(const fs::path& directory, const LineageOptions& options) {
  Value parent;
  if (!options.parent.empty()) parent = note_of(options.parent, directory);
  Value command;
  if (!options.command.empty()) command = List(options.command.begin(), options.command.end());
  return dict({{"parent", parent}, {"command", command}});
}

Value continued_lineage(const Value& checkpoint,
                        const fs::path& path,
                        const fs::path& directory,
                        const Value& started) {
  std::error_code error;
  if (fs::equivalent(directory_of(path), directory, error)) {
    const Value* notes = part_of(checkpoint, kKey);
    return notes == nullptr ? started : *notes;
  }
  if (!fs::exists(path, error)) return started;
  Value notes = make_lineage(directory, {.parent = path});
  if (const Value* command = part_of(started, "command")) notes.as_dict().set("command", *command);
  return notes;
}

std::vector<LineageStep> lineage(const fs::path& file) {
  try {
    return walk(file);
  } catch (Error& error) {
    error.add_place(io::at_path(file));
    throw;
  }
}

}  // namespace torchkeep
