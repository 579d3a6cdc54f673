#include "format/safetensors/write.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/byte_reader.h"
#include "base/fail.h"
#include "base/printable.h"
#include "base/utf8.h"
#include "format/gathered_sink.h"
#include "format/named_tensors.h"
#include "format/safetensors/header.h"

namespace torchkeep::safetensors {
namespace {

using Metadata = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kName = "safetensors";

Place at_tensor(std::string_view name) {
  Place place;
  place.tensor = printable(name);
  return place;
}

std::string json_text(std::string_view text) {
  if (!is_utf8(text)) {
    fail_at(ErrorCode::unsupported, at_tensor(text), "",
            "a {} file holds text in UTF-8 only, which this is not", kName);
  }
  return nlohmann::json(text).dump();
}

const ElementType& element_type(const NamedTensor& named) {
  const ElementType* type = find_element_type(named.tensor.dtype());
  if (type == nullptr) {
    fail_at(ErrorCode::unsupported, at_tensor(named.name), "convert it, or save as .pt",
            "a {} file cannot hold {} tensors", kName, name(named.tensor.dtype()));
  }
  return *type;
}

void check_names(const std::vector<NamedTensor>& tensors) {
  for (const NamedTensor& named : tensors) {
    element_type(named);
    if (named.name == kMetadataKey) {
      fail_at(ErrorCode::invalid_argument, at_tensor(named.name), "give it another name",
              "no tensor of a {} file can have this name", kName);
    }
  }
}

void set(Metadata& metadata, const std::string& key, const std::string& text) {
  const auto found = std::ranges::find(metadata, key, &Metadata::value_type::first);
  if (found == metadata.end()) {
    metadata.emplace_back(key, text);
  } else {
    found->second = text;
  }
}

// What the value brings along, the options add, and the names that were left out.
Metadata metadata_of(const Value& value, const SaveOptions& options, const NamedTensors& named) {
  Metadata metadata;
  const Value* own = value.as_dict().attributes().find(kMetadataKey);
  if (own != nullptr && own->is_dict()) {
    for (const auto& [key, text] : own->as_dict()) {
      if (!key.is_string() || !text.is_string()) {
        fail(ErrorCode::unsupported, "{} of a {} file holds text only (got {} under {})",
             kMetadataKey, kName, name(text.kind()), to_string(key));
      }
      set(metadata, key.as_string(), text.as_string());
    }
  }
  for (const auto& [key, text] : options.metadata) set(metadata, key, text);
  for (const auto& [alias, kept] : named.aliases) set(metadata, alias, kept);
  return metadata;
}

// 4-bit elements are counted one by one, which PyTorch does not.
Shape shape_in_file(const Tensor& tensor) {
  Shape shape = tensor.shape();
  if (tensor.dtype() == DType::float4_e2m1fn_x2) {
    if (shape.empty()) {
      fail(ErrorCode::unsupported, "a {} tensor without dimensions", name(tensor.dtype()));
    }
    shape.back() *= 2;
  }
  return shape;
}

std::string sizes_text(const Shape& shape) {
  std::string text;
  for (const std::int64_t size : shape) text += fmt::format("{}{}", text.empty() ? "" : ",", size);
  return text;
}

std::string header_text(const Metadata& metadata, const std::vector<NamedTensor>& tensors) {
  std::string text = "{";
  if (!metadata.empty()) {
    text += fmt::format("\"{}\":{{", kMetadataKey);
    for (const auto& [key, value] : metadata) {
      text += fmt::format("{}:{},", json_text(key), json_text(value));
    }
    text.back() = '}';
    text += ',';
  }
  std::uint64_t begin = 0;
  for (const NamedTensor& named : tensors) {
    const std::uint64_t end = begin + named.tensor.size_bytes();
    text += fmt::format("{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}},",
                        json_text(named.name), element_type(named).name,
                        sizes_text(shape_in_file(named.tensor)), begin, end);
    begin = end;
  }
  if (text.back() == ',') text.pop_back();
  text += '}';
  constexpr std::size_t kAlignment = 8;
  text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');
  if (text.size() > kMostHeaderBytes) {
    fail(ErrorCode::unsupported,
         "the header of the {} file would be too long (expected at most {} "
         "bytes, got {})",
         kName, kMostHeaderBytes, text.size());
  }
  return text;
}

}  // namespace

void write(const Value& value,
           const std::filesystem::path&,
           const SaveOptions& options,
           const Sink& sink) {
  NamedTensors named = named_tensors(value, options.nested, options.shared, kName);
  check_names(named.tensors);
  std::ranges::sort(named.tensors, {}, [](const NamedTensor& tensor) {
    return std::pair<int, std::string_view>(-rank(element_type(tensor)), tensor.name);
  });
  const std::string header = header_text(metadata_of(value, options, named), named.tensors);
  std::string length;
  append_number(length, std::uint64_t{header.size()});
  GatheredSink out(sink);
  out.write(length);
  out.write(header);
  for (const NamedTensor& tensor : named.tensors) {
    // The copy of what is not contiguous lives until its bytes are out.
    const Tensor whole = tensor.tensor.is_contiguous() ? tensor.tensor : tensor.tensor.contiguous();
    out.write(whole.bytes());
  }
  out.flush();
}

}  // namespace torchkeep::safetensors
