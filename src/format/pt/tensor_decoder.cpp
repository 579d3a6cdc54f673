#include <string_view>
#include <utility>

#include "base/fail.h"
#include "format/pt/rebuild.h"
#include "format/pt/tensor_codec.h"

namespace torchkeep::pt {
namespace {

bool is_storage_class(const Value& value) {
  return value.is_object() && value.as_object().form() == Object::Form::global &&
         value.as_object().name().find("Storage") != std::string::npos;
}

// The element type of a storage class; nothing for an untyped one. The module does not matter:
// torch.FloatStorage and torch.cuda.FloatStorage are the same bytes.
std::optional<DType> storage_dtype(const Object& storage_class) {
  const std::string& name = storage_class.name();
  if (name == "UntypedStorage" || name == "_UntypedStorage") return std::nullopt;
  const std::optional<DType> dtype = dtype_from_storage_class(name);
  if (!dtype) {
    fail(ErrorCode::unsupported, "a storage of class {}, which torchkeep does not know",
         storage_class.class_path());
  }
  return dtype;
}

std::uint64_t bytes_of(std::int64_t numel, std::optional<DType> dtype) {
  const std::int64_t item = dtype ? item_bytes(*dtype) : 1;
  std::int64_t bytes = 0;
  if (numel < 0 || __builtin_mul_overflow(numel, item, &bytes)) {
    fail(ErrorCode::corrupt, "a storage of {} elements", numel);
  }
  return static_cast<std::uint64_t>(bytes);
}

}  // namespace

TensorDecoder::TensorDecoder(LoadStorage load_storage, const Limits& limits)
    : load_storage_(std::move(load_storage)), limits_(limits), checks_(limits) {}

pickle::DecodeHooks TensorDecoder::hooks() {
  return {.persistent_load = [this](const Value& id) { return load(id); },
          .build = [this](const Object& callee,
                          const List& arguments) { return build(callee, arguments); }};
}

// ('storage', class, key, location, number of elements)
Value TensorDecoder::load(const Value& id) {
  const bool is_storage = id.is_tuple() && id.size() == 5 && id[0].is_string() &&
                          id[0].as_string() == "storage" && is_storage_class(id[1]) &&
                          id[2].is_string() && id[3].is_string() && id[4].is_int();
  if (!is_storage) {
    fail(ErrorCode::corrupt,
         "a reference to data outside of the pickle that is no storage (expected ('storage', "
         "class, key, location, number of elements))");
  }
  const std::string& key = id[2].as_string();
  const std::optional<DType> dtype = storage_dtype(id[1].as_object());
  const std::uint64_t bytes = bytes_of(id[4].as_int(), dtype);
  const auto known = loaded_.find(key);
  if (known != loaded_.end()) {
    // Python lets tensors of several types share a storage only while it is empty.
    if (bytes == 0 && known->second.bytes == 0 && known->second.dtype != dtype) {
      return Storage(nullptr, 0, nullptr, dtype, id[3].as_string());
    }
    if (known->second.dtype != dtype || known->second.bytes != bytes) {
      fail(ErrorCode::corrupt, "storage {} is described in two ways", key);
    }
    return known->second.storage;
  }
  Storage storage = load_storage_(key, dtype, id[3].as_string(), bytes);
  if (storage.size_bytes() != bytes) {
    fail(ErrorCode::corrupt, "storage {} has the wrong size (expected {} bytes, got {})", key,
         bytes, storage.size_bytes());
  }
  return loaded_.emplace(key, Loaded{dtype, bytes, std::move(storage)}).first->second.storage;
}

std::optional<Value> TensorDecoder::build(const Object& callee, const List& arguments) {
  return rebuild(callee, arguments, limits_, checks_);
}

}  // namespace torchkeep::pt
