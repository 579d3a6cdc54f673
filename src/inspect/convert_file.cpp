#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

#include <torchkeep/cast.h>
#include <torchkeep/convert_file.h>
#include <torchkeep/delta.h>
#include <torchkeep/load.h>
#include <torchkeep/module_tree.h>
#include <torchkeep/state_dict.h>

#include "base/fail.h"
#include "base/printable.h"
#include "base/table.h"
#include "data/find_value.h"
#include "data/leaves.h"
#include "format/format.h"
#include "format/load_file.h"
#include "format/pt/layout.h"
#include "format/pt/rewrite.h"
#include "inspect/lost_in_conversion.h"
#include "inspect/name_edits.h"
#include "inspect/replace_tensors.h"
#include "io/system_error.h"

namespace torchkeep {
namespace {

constexpr std::string_view kPt = "pt";
constexpr std::string_view kSafetensors = "safetensors";
constexpr std::size_t kMostNames = 5;  // in messages

bool is_unchanged(const ConvertOptions& options) {
  return !options.layout && !options.root_name && options.manifest == Manifest::none &&
         !options.max_shard_bytes && options.key.empty() && !options.dtype &&
         options.whole_model == ConvertOptions::WholeModel::as_it_is &&
         !inspection::has_name_edits(options);
}

std::string list_names(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNames); ++i) {
    text += (i == 0 ? "" : ", ") + printable(names[i]);
  }
  return names.size() > kMostNames ? text + ", ..." : text;
}

// The tensors of a value by dotted name, and the names of what is none.
struct Flat {
  StateDict tensors;
  std::vector<std::string> others;
};

Flat flatten(const Value& value) {
  Flat flat;
  visit_leaves(value, [&](const std::string& name, const Value& leaf) {
    if (!leaf.is_tensor()) {
      // An empty dict or list holds nothing that could be lost.
      const bool is_empty =
          (leaf.is_dict() || leaf.is_list() || leaf.is_tuple()) && leaf.size() == 0;
      if (!is_empty) flat.others.push_back(name);
      return;
    }
    if (flat.tensors.contains(name)) {
      fail(ErrorCode::invalid_argument, "two tensors have the name '{}'", printable(name));
    }
    flat.tensors.set(name, leaf.as_tensor());
  });
  return flat;
}

// What travels with a state dict besides tensors.
Value with_attributes(const StateDict& tensors, const Value& from) {
  Value value(tensors);
  if (from.is_dict() && tensors.metadata().is_none()) {
    value.as_dict().set_attributes(from.as_dict().attributes());
  }
  return value;
}

// Runs `work` with errors that name the file.
template <class Work>
decltype(auto) at_path(const std::filesystem::path& path, Work work) {
  try {
    return work();
  } catch (Error& error) {
    error.add_place(io::at_path(path));
    throw;
  }
}

class FileConversion {
 public:
  FileConversion(std::filesystem::path from,
                 std::filesystem::path to,
                 const ConvertOptions& options)
      : from_(std::move(from)), to_(std::move(to)), options_(options), save_(save_options()) {}

  Conversion run();

 private:
  SaveOptions save_options() const {
    SaveOptions save;
    save.format = options_.format;
    save.layout = options_.layout.value_or(Layout::latest);
    save.root_name = options_.root_name;
    save.manifest = options_.manifest;
    save.max_shard_bytes = options_.max_shard_bytes;
    save.durability = options_.durability;
    return save;
  }

  // Copies a pt that nothing is to be changed of. Learns the layout of any other pt.
  bool rewrite(const Format& target) {
    if (std::filesystem::is_directory(from_)) return false;
    return at_path(from_, [&] {
      const Probe probe(from_, options_.limits);
      if (detect_format(probe).name != kPt || target.name != kPt) return false;
      if (!options_.layout) save_.layout = pt::layout_of(pt::Archive(*probe.archive()));
      if (!is_unchanged(options_)) return false;
      const Value value =
          load_file(from_, {.access = Access::map, .limits = options_.limits}, Deltas::as_stored)
              .content.value;
      if (delta_info(value, from_, BaseCheck::size)) return false;
      result_.format_from = kPt;
      count(value);
      pt::rewrite_file(from_, to_, options_.durability, options_.limits);
      result_.rewritten = true;
      return true;
    });
  }

  void count(const Value& value) {
    visit_leaves(value, [this](const std::string&, const Value& leaf) {
      if (!leaf.is_tensor()) return;
      ++result_.tensors;
      result_.bytes += leaf.as_tensor().size_bytes();
    });
  }

  Value prepare(const Format& target) {
    const LoadedFile file = load_file(
        from_, {.access = Access::map, .verify = Verify::everything, .limits = options_.limits});
    result_.format_from = file.format;
    Value value = without_form(find_value(file.content.value, options_.key), target);
    if (target.holds != Holds::any_value) {
      value = only_tensors(value, target);
    } else if (inspection::has_name_edits(options_)) {
      value = with_attributes(inspection::edit_names(state_dict_of(value), options_), value);
    }
    cast_tensors(value);
    return target.holds == Holds::one_tensor ? one_tensor(value) : value;
  }

  // The parameters of a whole model, where the target or the user wants those alone.
  Value without_form(Value value, const Format& target) const {
    const bool is_asked = options_.whole_model == ConvertOptions::WholeModel::state_dict;
    if (is_module(value)) {
      const bool keeps_form = !is_asked && target.holds == Holds::any_value;
      return keeps_form ? value : Value(state_dict(module_tree(value, options_.limits)));
    }
    if (!is_asked) return value;
    const auto found = find_module(value);
    const std::string advice =
        found ? fmt::format("choose it with key: {}", printable(found->key)) : "";
    fail_at(ErrorCode::mismatch, {}, advice, "no whole model but a {}", name(value.kind()));
  }

  StateDict state_dict_of(const Value& value) const {
    try {
      return value.as_state_dict();
    } catch (const Error& error) {
      fail_at(ErrorCode::mismatch, {}, "choose a state dict with key, such as model_state_dict",
              "names can only be changed in a state dict ({})", error.problem());
    }
  }

  // A dict of tensors by dotted name.
  Value only_tensors(const Value& value, const Format& target) {
    Flat flat = flatten(value);
    if (inspection::has_name_edits(options_)) {
      if (value.is_dict()) flat.tensors.set_metadata(metadata_of(value));
      flat.tensors = inspection::edit_names(flat.tensors, options_);
    }
    if (!flat.others.empty() && options_.non_tensors == ConvertOptions::NonTensors::refuse) {
      fail_at(ErrorCode::unsupported, {},
              "drop them (--drop-non-tensors), or choose a part (--key)",
              "{} holds only tensors: {} would be lost ({})", target.name,
              counted(flat.others.size(), "value"), list_names(flat.others));
    }
    result_.dropped = std::move(flat.others);
    result_.warnings = inspection::lost_in_conversion(value, flat.tensors);
    // Programs that read safetensors expect to be told whose conventions the tensors follow.
    if (target.name == kSafetensors && result_.format_from != kSafetensors) {
      save_.metadata.emplace_back("format", "pt");
    }
    return with_attributes(inspection::on_their_own(flat.tensors), value);
  }

  static Value metadata_of(const Value& value) {
    const Value* metadata = value.as_dict().attributes().find("_metadata");
    return metadata == nullptr ? Value() : *metadata;
  }

  void cast_tensors(Value& value) {
    if (!options_.dtype) return;
    const std::size_t unchanged = inspection::replace_tensors(
        value, [this](const Tensor& tensor) { return cast_once(tensor); });
    if (unchanged == 0) return;
    result_.warnings.push_back(fmt::format("{} in tuples or arguments of objects kept {} type",
                                           counted(unchanged, "tensor"),
                                           unchanged == 1 ? "its" : "their"));
  }

  bool is_cast(DType dtype) const {
    if (dtype == *options_.dtype || !is_number(dtype)) return false;
    if (options_.casts == ConvertOptions::Casts::all) return true;
    return is_complex(*options_.dtype) ? is_complex(dtype) : is_floating_point(dtype);
  }

  // Tensors that are one stay one.
  Tensor cast_once(const Tensor& tensor) {
    if (!is_cast(tensor.dtype())) return tensor;
    auto key = std::tuple(tensor.storage().bytes().data(), tensor.storage_offset(), tensor.dtype(),
                          tensor.shape(), tensor.strides());
    const auto known = casts_.find(key);
    if (known != casts_.end() && tensor.numel() > 0) return known->second;
    Tensor result = cast(tensor, *options_.dtype);
    casts_.insert_or_assign(std::move(key), result);
    return result;
  }

  Value one_tensor(const Value& value) const {
    const StateDict tensors = value.as_state_dict();
    if (tensors.size() == 1) return tensors.begin()->tensor;
    fail_at(ErrorCode::unsupported, {}, "choose one with key or include",
            "this format holds one tensor (got {})", tensors.size());
  }

  std::filesystem::path from_;
  std::filesystem::path to_;
  const ConvertOptions& options_;
  SaveOptions save_;
  Conversion result_;
  std::map<std::tuple<const std::byte*, std::int64_t, DType, Shape, Shape>, Tensor> casts_;
};

Conversion FileConversion::run() {
  const Format& target =
      at_path(to_, [&]() -> const Format& { return format_to_write(to_, save_.format); });
  result_.format_to = target.name;
  if (rewrite(target)) return std::move(result_);
  Value value = at_path(from_, [&] { return prepare(target); });
  count(value);
  save(value, to_, save_);
  return std::move(result_);
}

}  // namespace

Conversion convert_file(const std::filesystem::path& from,
                        const std::filesystem::path& to,
                        const ConvertOptions& options) {
  return FileConversion(from, to, options).run();
}

}  // namespace torchkeep
