#include "format/delta.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <torchkeep/delta.h>
#include <torchkeep/dict.h>
#include <torchkeep/state_dict.h>

#include "base/fail.h"
#include "data/leaves.h"
#include "format/file_reference.h"
#include "format/load_file.h"
#include "io/system_error.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kVersion = 1;
// The state dicts of a checkpoint that are compared with the base.
constexpr const char* kCompared[] = {"model_state_dict", "ema_state_dict"};

fs::path directory_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

// One state dict of a delta.
struct Part {
  std::string key;       // in the delta
  std::string base_key;  // in the base; empty: the base is the state dict
  List names;            // of all tensors, in order
};

struct Note {
  FileReference base;
  std::vector<Part> parts;
};

std::optional<Note> note_in(const Value& value) {
  const Value* stored = value.find(kDeltaKey);
  if (stored == nullptr) return std::nullopt;
  const std::int64_t version = (*stored)["version"].as_int();
  if (version != kVersion) {
    fail_at(ErrorCode::unsupported, {.tensor = kDeltaKey}, "use a newer torchkeep",
            "the delta has version {} (expected {})", version, kVersion);
  }
  Note note{.base = file_reference_from_value((*stored)["base"]), .parts = {}};
  for (const auto& [key, part] : (*stored)["state_dicts"].as_dict()) {
    note.parts.push_back({key.as_string(), part["base_key"].as_string(), part["names"].as_list()});
  }
  return note;
}

Value to_value(const Note& note) {
  Dict parts;
  for (const Part& part : note.parts) {
    parts.set(part.key, dict({{"base_key", part.base_key}, {"names", part.names}}));
  }
  return dict(
      {{"version", kVersion}, {"base", to_value(note.base)}, {"state_dicts", std::move(parts)}});
}

bool is_state_dict(const Value& value) {
  return value.is_dict() && !value.as_dict().empty() &&
         std::ranges::all_of(value.as_dict(), [](const Dict::Entry& entry) {
           return entry.first.is_string() && entry.second.is_tensor();
         });
}

// Where the base holds its parameters.
std::string state_dict_key(const Value& base) {
  if (is_state_dict(base)) return "";
  for (const char* key : {"model_state_dict", "state_dict", "model"}) {
    const Value* part = base.find(key);
    if (part != nullptr && is_state_dict(*part)) return key;
  }
  fail_at(ErrorCode::invalid_argument, {}, "choose a file of weights or a checkpoint",
          "there is no state dict in it, so it can be no base");
}

const Value& at_key(const Value& base, const std::string& key) {
  return key.empty() ? base : base[key];
}

// Nothing but elements in a row: what memory can be compared of.
bool is_plain(const Tensor& tensor) {
  return tensor.is_contiguous() && !tensor.quantizer() && !tensor.extras() &&
         !tensor.is_conjugated() && !tensor.is_negated();
}

bool is_same(const Tensor& a, const Tensor& b) {
  if (!is_plain(a) || !is_plain(b)) return false;
  if (a.dtype() != b.dtype() || a.shape() != b.shape() || a.is_parameter() != b.is_parameter() ||
      a.requires_grad() != b.requires_grad() || a.storage().location() != b.storage().location()) {
    return false;
  }
  const auto bytes = a.bytes();
  return bytes.empty() || std::memcmp(bytes.data(), b.bytes().data(), bytes.size()) == 0;
}

// How many tensors of a value lie in each piece of memory.
using Users = std::unordered_map<const std::byte*, int>;

Users count_users(const Value& value) {
  Users users;
  visit_leaves(value, [&](const std::string&, const Value& leaf) {
    if (leaf.is_tensor()) ++users[leaf.as_tensor().storage().bytes().data()];
  });
  return users;
}

// What is left of a state dict; all names go to `names`.
Dict subtract_from(const Dict& whole, const Value& base, const Users& users, List& names) {
  Dict rest(whole.type());
  rest.set_attributes(whole.attributes());
  for (const auto& [name, value] : whole) {
    names.push_back(name);
    const Tensor& tensor = value.as_tensor();
    const Value* other = base.find(name.as_string());
    const bool is_alone = users.at(tensor.storage().bytes().data()) == 1;
    if (is_alone && other != nullptr && is_same(tensor, other->as_tensor())) continue;
    rest.set(name, value);
  }
  return rest;
}

// The state dict in the order of the names.
Dict merge(const Dict& stored, const Value& base, const List& names) {
  Dict whole(stored.type());
  whole.set_attributes(stored.attributes());
  std::size_t taken = 0;
  for (const Value& name : names) {
    const Value* own = stored.find(name);
    taken += own == nullptr ? 0 : 1;
    if (own == nullptr) own = base.find(name.as_string());
    if (own == nullptr) {
      fail_at(ErrorCode::corrupt, {.tensor = name.as_string()}, "",
              "the tensor is neither in the delta nor in its base");
    }
    whole.set(name, *own);
  }
  if (whole.size() != names.size() || taken != stored.size()) {
    fail_at(ErrorCode::corrupt, {.tensor = kDeltaKey}, "",
            "the names of the tensors are not those that the delta stores");
  }
  return whole;
}

DeltaInfo::State state_of(FollowedReference::State state) {
  switch (state) {
    case FollowedReference::State::unchanged:
      return DeltaInfo::State::unchanged;
    case FollowedReference::State::changed:
      return DeltaInfo::State::changed;
    default:
      return DeltaInfo::State::missing;
  }
}

fs::path find_base(const Note& note, const fs::path& path, const LoadOptions& options) {
  const bool reads_all = options.verify == Verify::everything ||
                         (options.verify == Verify::what_is_read && options.access == Access::read);
  const FollowedReference base =
      follow(note.base, directory_of(path), reads_all ? Comparison::sha256 : Comparison::size);
  if (base.state == FollowedReference::State::missing) {
    fail_at(ErrorCode::not_found, {},
            fmt::format("put the file with the SHA-256 {} there, or beside the delta",
                        note.base.sha256),
            "this is a delta, and its base {} is missing", base.path.string());
  }
  if (base.state == FollowedReference::State::changed) {
    fail_at(ErrorCode::corrupt, {},
            fmt::format("put the file with the SHA-256 {} there", note.base.sha256),
            "this is a delta, and its base {} is not the file that it was made with",
            base.path.string());
  }
  return base.path;
}

void refuse_delta(const Value& base) {
  if (!base.contains(kDeltaKey)) return;
  fail_at(ErrorCode::invalid_argument, {}, "materialize it first",
          "this is a delta itself, so it can be no base");
}

}  // namespace

struct DeltaBase::Content {
  FileReference reference;  // seen from the base's own directory
  Value value;
  std::string key;
};

DeltaBase::DeltaBase(fs::path path, const Limits& limits) : path_(std::move(path)) {
  try {
    Content content{
        .reference = refer_to(path_, directory_of(path_)),
        .value = load_file(path_, {.access = Access::map, .limits = limits}, Deltas::as_stored)
                     .content.value,
        .key = {}};
    refuse_delta(content.value);
    content.key = state_dict_key(content.value);
    content_ = std::make_shared<const Content>(std::move(content));
  } catch (Error& error) {
    error.add_place(io::at_path(path_));
    throw;
  }
}

Value DeltaBase::subtract(const Value& checkpoint, const fs::path& directory) const {
  const Value& base = at_key(content_->value, content_->key);
  const Users users = count_users(checkpoint);
  Dict delta = checkpoint.as_dict();
  Note note{.base = content_->reference, .parts = {}};
  for (const char* key : kCompared) {
    const Value* whole = checkpoint.find(key);
    if (whole == nullptr || !is_state_dict(*whole)) continue;
    Part part{key, content_->key, {}};
    Dict rest = subtract_from(whole->as_dict(), base, users, part.names);
    if (rest.size() == whole->size()) continue;
    delta.set(key, std::move(rest));
    note.parts.push_back(std::move(part));
  }
  if (note.parts.empty()) return checkpoint;
  note.base.path = relative_path(path_, directory);
  delta.set(kDeltaKey, to_value(note));
  return Value(std::move(delta));
}

std::optional<DeltaInfo> delta_info(const Value& value, const fs::path& path, BaseCheck check) {
  const std::optional<Note> note = note_in(value);
  if (!note) return std::nullopt;
  const FollowedReference base =
      follow(note->base, directory_of(path),
             check == BaseCheck::size ? Comparison::size : Comparison::sha256);
  DeltaInfo info{.base = base.path, .state = state_of(base.state)};
  for (const Part& part : note->parts) {
    const std::size_t stored = value[part.key].size();
    if (stored > part.names.size()) {
      fail(ErrorCode::corrupt, "the delta stores more of {} than it names", part.key);
    }
    info.tensors += part.names.size() - stored;
  }
  return info;
}

Value resolve_delta(const Value& value, const fs::path& path, const LoadOptions& options) {
  const std::optional<Note> note = note_in(value);
  if (!note) return value;
  const Value base =
      load_file(find_base(*note, path, options), options, Deltas::as_stored).content.value;
  refuse_delta(base);
  Dict whole = value.as_dict();
  for (const Part& part : note->parts) {
    const Value& base_part = at_key(base, part.base_key);
    base_part.as_state_dict();  // throws where it is none
    whole.set(part.key, merge(value[part.key].as_dict(), base_part, part.names));
  }
  whole.erase(kDeltaKey);
  return Value(std::move(whole));
}

std::string_view name(DeltaInfo::State state) {
  switch (state) {
    case DeltaInfo::State::unchanged:
      return "unchanged";
    case DeltaInfo::State::changed:
      return "changed";
    case DeltaInfo::State::missing:
      return "missing";
  }
  return "";
}

void materialize(const fs::path& from, const fs::path& to, const SaveOptions& options) {
  save(load(from, {.access = Access::map, .verify = Verify::everything}), to, options);
}

}  // namespace torchkeep
