#include <limits>
#include <utility>

#include <fmt/format.h>

#include "format/hostile/hostile_file.h"

namespace torchkeep::testing {
namespace {

using Outcome = HostileFile::Outcome;

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

void add(HostileFiles& files,
         std::string name,
         const Value& value,
         Outcome outcome = Outcome::refused) {
  files.push_back({std::move(name), archive_of(value), outcome});
}

Value torch(std::string name) { return Object::global("torch", std::move(name)); }

Value call(std::string function, List arguments) {
  return Object::call(Object::global("torch._utils", std::move(function)),
                      Tuple{std::move(arguments)});
}

Storage floats(std::uint64_t count) { return Storage::allocate(count * 4, DType::float32); }
Value no_hooks() { return Dict(Dict::Type::ordered); }

Value v2(Value storage, Value offset, Value size, Value stride) {
  return call("_rebuild_tensor_v2", {std::move(storage), std::move(offset), std::move(size),
                                     std::move(stride), false, no_hooks()});
}

// Shapes, strides and offsets that leave a storage of 6 floats, or are none.
void add_views(HostileFiles& files) {
  const std::vector<std::pair<std::string, List>> views = {
      {"offset -1", {-1, tuple({1}), tuple({1})}},
      {"offset 7", {7, tuple({1}), tuple({1})}},
      {"largest offset", {kMost, tuple({1}), tuple({1})}},
      {"smallest offset", {kLeast, tuple({1}), tuple({1})}},
      {"offset that wraps", {kMost / 4 + 1, tuple({1}), tuple({1})}},
      {"size 7", {0, tuple({7}), tuple({1})}},
      {"size -1", {0, tuple({-1}), tuple({1})}},
      {"two negative sizes", {0, tuple({-2, -3}), tuple({3, 1})}},
      {"largest size", {0, tuple({kMost}), tuple({1})}},
      {"sizes that wrap to 0",
       {0, tuple({std::int64_t{1} << 32, std::int64_t{1} << 32}), tuple({1, 1})}},
      {"sizes that wrap to 1", {0, tuple({3, kMost / 3 * 2 + 2}), tuple({1, 1})}},
      {"stride -1", {3, tuple({2}), tuple({-1})}},
      {"stride 6", {0, tuple({2}), tuple({6})}},
      {"largest stride", {0, tuple({2}), tuple({kMost})}},
      {"strides that wrap", {0, tuple({3, 3}), tuple({kMost / 2, kMost / 2 + 2})}},
      {"more sizes than strides", {0, tuple({1, 1}), tuple({1})}},
      {"more strides than sizes", {0, tuple({1}), tuple({1, 1})}},
      {"65 dimensions", {0, Tuple{List(65, Value(1))}, Tuple{List(65, Value(1))}}},
      {"a trillion times one float", {0, tuple({kMost / 8}), tuple({0})}},
      {"2^40 floats of stride 0", {0, tuple({std::int64_t{1} << 40}), tuple({0})}},
      {"sizes that are text", {0, tuple({"1"}), tuple({1})}},
      {"sizes that are floats", {0, tuple({1.0}), tuple({1})}},
      {"sizes that are bools", {0, tuple({true}), tuple({1})}},
      {"sizes that are a dict", {0, dict({{"a", 1}}), tuple({1})}},
      {"an offset that is text", {"0", tuple({1}), tuple({1})}},
      {"an offset that is None", {Value(), tuple({1}), tuple({1})}},
  };
  for (const auto& [name, arguments] : views) {
    add(files, name, v2(floats(6), arguments[0], arguments[1], arguments[2]));
    List v3 = {Storage::allocate(24), arguments[0], arguments[1], arguments[2], false, no_hooks(),
               torch("float32")};
    add(files, name + " (v3)", call("_rebuild_tensor_v3", std::move(v3)));
    add(files, name + " (v1)",
        call("_rebuild_tensor", {floats(6), arguments[0], arguments[1], arguments[2]}));
  }
}

void add_arguments(HostileFiles& files) {
  for (const char* function :
       {"_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_qtensor",
        "_rebuild_parameter", "_rebuild_parameter_with_state", "_rebuild_meta_tensor_no_storage"}) {
    add(files, fmt::format("{} of nothing", function), call(function, {}));
    add(files, fmt::format("{} of too much", function), call(function, List(12, Value(1))));
  }
  for (const Value& storage : {Value(), Value(7), Value("0"), Value(List{}), Value(Tensor())}) {
    add(files, fmt::format("a storage that is {}", to_string(storage)),
        v2(storage, 0, tuple({1}), tuple({1})));
  }
  add(files, "requires_grad that is no bool",
      call("_rebuild_tensor_v2", {floats(1), 0, tuple({1}), tuple({1}), "yes", no_hooks()}));
  add(files, "metadata that is none",
      call("_rebuild_tensor_v2",
           {floats(1), 0, tuple({1}), tuple({1}), false, no_hooks(), dict({{"eval", "x"}})}));
  add(files, "the conjugate of floats",
      call("_rebuild_tensor_v2",
           {floats(1), 0, tuple({1}), tuple({1}), false, no_hooks(), dict({{"conj", true}})}));
  add(files, "an unknown dtype",
      call("_rebuild_tensor_v3", {Storage::allocate(4), 0, tuple({1}), tuple({1}), false,
                                  no_hooks(), torch("float128")}));
  add(files, "a dtype of another module",
      call("_rebuild_tensor_v3", {Storage::allocate(4), 0, tuple({1}), tuple({1}), false,
                                  no_hooks(), Object::global("os", "float32")}));
}

// The storage's record has 8 bytes.
void add_storages(HostileFiles& files) {
  const auto with_numel = [&](std::string name, std::string type, std::string number) {
    // ('storage', torch.TYPE, '0', 'cpu', NUMBER)
    const std::string pickle = std::string("\x80\x02(X\7\0\0\0storagectorch\n", 22) + type +
                               std::string("\nX\1\0\0\0000X\3\0\0\0cpu", 15) + number + "tQ.";
    files.push_back({std::move(name), build_zip(records_with(pickle))});
  };
  for (const char* type : {"FloatStorage", "ByteStorage", "DoubleStorage", "UntypedStorage"}) {
    for (const std::int64_t numel : {std::int64_t{3}, std::int64_t{0}, std::int64_t{-1}, kMost,
                                     kLeast, std::int64_t{1} << 61}) {
      with_numel(fmt::format("{} of {}", type, numel), type, fmt::format("L{}L\n", numel));
    }
    with_numel(fmt::format("{} of a float", type), type, "G" + std::string(8, '\0'));
  }
  with_numel("a storage of an unknown class", "ObjectStorage", "K\2");
  with_numel("a storage of no storage class", "load", "K\2");
  for (const char* id : {"N", "K\1", "]", "}", ")", "N\x85", "(NNNNNt", "X\7\0\0\0module"}) {
    files.push_back({fmt::format("persistent id {}", id),
                     build_zip(records_with(std::string("\x80\x02") + id + "Q."))});
  }
  files.push_back({"PERSID", build_zip(records_with("\x80\x02Pstorage\n."))});
}

void add_keys(HostileFiles& files) {
  for (const std::string& key :
       {std::string("1"), std::string("../0"), std::string("/etc/passwd"), std::string(""),
        std::string("0/"), std::string("0\0", 2), std::string(70'000, '0')}) {
    std::string size;
    for (int i = 0; i < 4; ++i) size += static_cast<char>(key.size() >> (8 * i));
    const std::string pickle = std::string("\x80\x02(X\7\0\0\0storagectorch\nFloatStorage\nX", 36) +
                               size + key + std::string("X\3\0\0\0cpuK\2tQ.", 13);
    files.push_back({fmt::format("key of {} bytes", key.size()), build_zip(records_with(pickle))});
  }
}

Value quantized(Value parameters) {
  return call("_rebuild_qtensor", {Storage::allocate(6, DType::quint8), 0, tuple({2, 3}),
                                   tuple({3, 1}), std::move(parameters), false, no_hooks()});
}

void add_quantised(HostileFiles& files) {
  const Value affine = torch("per_tensor_affine");
  const Value channel = torch("per_channel_affine");
  const Tensor two = Tensor::of<double>({1, 1}, {2});
  const Tensor zeros = Tensor::of<std::int64_t>({0, 0}, {2});
  for (const Value& parameters :
       {Value(), tuple({}), tuple({affine}), tuple({affine, 1.0, 300}), tuple({affine, 1.0, -1}),
        tuple({affine, "1", 0}), tuple({affine, 1.0, 0.5}), tuple({channel, two, zeros, 2}),
        tuple({channel, two, zeros, -1}), tuple({channel, two, zeros, 1}),
        tuple({channel, two, zeros, kMost}), tuple({channel, two, zeros, "0"}),
        tuple({channel, 1.0, zeros, 0}),
        tuple({channel, two, Tensor::of<std::int64_t>({0, 256}, {2}), 0}),
        tuple({channel, list({1.0}), list({0}), 0}), tuple({7, 1.0, 0})}) {
    add(files, fmt::format("quantised by {}", to_string(parameters)), quantized(parameters));
  }
}

Value sparse(Value indices, Value values, Value size) {
  const Value layout = Object::call(Object::global("torch.serialization", "_get_layout"),
                                    tuple({"torch.sparse_coo"}));
  return call("_rebuild_sparse_tensor",
              {layout, tuple({std::move(indices), std::move(values), std::move(size)})});
}

void add_sparse(HostileFiles& files) {
  const Tensor values = Tensor::of<float>({1, 2}, {2});
  for (const std::int64_t index : {std::int64_t{-1}, std::int64_t{3}, kMost, kLeast}) {
    add(files, fmt::format("sparse index {}", index),
        sparse(Tensor::of<std::int64_t>({0, index}, {1, 2}), values, tuple({3})));
  }
  const Tensor indices = Tensor::of<std::int64_t>({0, 1}, {1, 2});
  add(files, "sparse of too few values", sparse(indices, Tensor::of<float>({1}, {1}), tuple({3})));
  add(files, "sparse of no size", sparse(indices, values, 7));
  add(files, "sparse of a negative size", sparse(indices, values, tuple({-3})));
  add(files, "sparse of too many sizes", sparse(indices, values, tuple({3, 3})));
  add(files, "sparse of no tensors", sparse(1, 2, tuple({3})));
  const Tensor endless(indices.storage(), DType::int64, {1, std::int64_t{1} << 36}, {0, 0});
  const Tensor endless_values(values.storage(), DType::float32, {std::int64_t{1} << 36}, {0});
  add(files, "sparse without end", sparse(endless, endless_values, tuple({3})));
}

}  // namespace

HostileFiles hostile_tensors() {
  HostileFiles files;
  add_views(files);
  add_arguments(files);
  add_storages(files);
  add_keys(files);
  add_quantised(files);
  add_sparse(files);
  return files;
}

}  // namespace torchkeep::testing
