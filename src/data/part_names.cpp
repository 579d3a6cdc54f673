#include "data/part_names.h"

#include <algorithm>
#include <array>
#include <span>

namespace torchkeep {
namespace {

constexpr std::size_t kMostParts = 8;

struct Call {
  std::string_view module;
  std::string_view name;
  std::array<std::string_view, kMostParts> parts;
};

constexpr std::string_view kInline = "*";       // the parts of the value stand for it
constexpr std::string_view kSparse = "sparse";  // a tuple, named by the layout before it

constexpr auto kCalls = std::to_array<Call>({
    {"torch._utils", "_rebuild_sparse_tensor", {"layout", kSparse}},
    {"torch._utils", "_rebuild_sparse_csr_tensor", {"layout", kSparse}},
    {"torch._utils", "_rebuild_nested_tensor", {"buffer", "sizes", "strides", "offsets"}},
    {"torch._utils",
     "_rebuild_meta_tensor_no_storage",
     {"dtype", "size", "stride", "requires_grad"}},
    {"torch._utils",
     "_rebuild_wrapper_subclass",
     {"class", "dtype", "size", "stride", "storage_offset", "layout", "device", "requires_grad"}},
    {"torch._utils",
     "_rebuild_device_tensor_from_numpy",
     {"data", "dtype", "device", "requires_grad"}},
    {"torch._utils",
     "_rebuild_device_tensor_from_cpu_tensor",
     {"data", "dtype", "device", "requires_grad"}},
    {"torch._utils", "_rebuild_xla_tensor", {"data", "dtype", "device", "requires_grad"}},
    {"torch._utils", "_rebuild_mkldnn_tensor", {"data"}},
    {"torch._utils", "_rebuild_parameter", {"data", "requires_grad", "hooks"}},
    {"torch._utils", "_rebuild_parameter_with_state", {"data", "requires_grad", "hooks", kInline}},
    {"torch._utils",
     "_rebuild_tensor_v2",
     {"storage", "storage_offset", "size", "stride", "requires_grad", "hooks", "metadata"}},
    {"torch._utils",
     "_rebuild_tensor_v3",
     {"storage", "storage_offset", "size", "stride", "requires_grad", "hooks", "dtype",
      "metadata"}},
    {"torch._utils",
     "_rebuild_qtensor",
     {"storage", "storage_offset", "size", "stride", "quantizer", "requires_grad", "hooks"}},
    {"torch._tensor", "_rebuild_from_type_v2", {"function", "type", "arguments", kInline}},
    {"collections", "Counter", {kInline}},
});

struct SparseLayout {
  std::string_view name;
  std::array<std::string_view, 4> parts;
};

constexpr auto kSparseLayouts = std::to_array<SparseLayout>({
    {"torch.sparse_coo", {"indices", "values", "size", "is_coalesced"}},
    {"torch.sparse_csr", {"crow_indices", "col_indices", "values", "size"}},
    {"torch.sparse_bsr", {"crow_indices", "col_indices", "values", "size"}},
    {"torch.sparse_csc", {"ccol_indices", "row_indices", "values", "size"}},
    {"torch.sparse_bsc", {"ccol_indices", "row_indices", "values", "size"}},
});

// torch.serialization._get_layout('torch.sparse_coo')
const SparseLayout* sparse_layout(const Value& layout) {
  if (!layout.is_object() || !layout.as_object().is_call_of("torch.serialization", "_get_layout")) {
    return nullptr;
  }
  const Value& arguments = layout.as_object().arguments();
  if (!arguments.is_tuple() || arguments.size() != 1 || !arguments[0].is_string()) return nullptr;
  const auto* const found =
      std::ranges::find(kSparseLayouts, arguments[0].as_string(), &SparseLayout::name);
  return found == kSparseLayouts.end() ? nullptr : found;
}

// Names end at an empty one. False where there are more values than names.
bool add_parts(std::span<const std::string_view> names,
               const List& values,
               std::vector<NamedPart>& parts) {
  if (values.size() > names.size()) return false;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (names[i].empty()) return false;
    if (names[i] != kSparse) {
      parts.push_back({names[i] == kInline ? "" : names[i], values[i]});
      continue;
    }
    const SparseLayout* layout = sparse_layout(values[0]);
    if (layout == nullptr || !values[i].is_tuple() ||
        !add_parts(layout->parts, values[i].as_tuple(), parts)) {
      return false;
    }
  }
  return true;
}

// Of the call inside of _rebuild_from_type_v2(function, class, arguments, state), with the class
// and the state besides.
std::vector<NamedPart> parts_of_subclass(const List& arguments) {
  if (arguments.size() != 4 || !arguments[0].is_object() || !arguments[2].is_tuple()) return {};
  const Object& function = arguments[0].as_object();
  if (function.is_global("torch._tensor", "_rebuild_from_type_v2")) return {};
  std::vector<NamedPart> parts = named_parts(Object::call(arguments[0], arguments[2]));
  if (parts.empty()) return {};
  parts.push_back({"type", arguments[1]});
  parts.push_back({"", arguments[3]});
  return parts;
}

}  // namespace

std::vector<NamedPart> named_parts(const Object& object) {
  if (object.form() != Object::Form::call || !object.arguments().is_tuple()) return {};
  const auto* const call = std::ranges::find_if(
      kCalls, [&](const Call& known) { return object.is_call_of(known.module, known.name); });
  std::vector<NamedPart> parts;
  if (object.is_call_of("torch._tensor", "_rebuild_from_type_v2")) {
    parts = parts_of_subclass(object.arguments().as_tuple());
    if (!parts.empty()) return parts;
  }
  if (call == kCalls.end() || !add_parts(call->parts, object.arguments().as_tuple(), parts)) {
    return {};
  }
  return parts;
}

}  // namespace torchkeep
