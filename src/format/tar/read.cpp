#include "format/tar/read.h"

#include <charconv>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/fail.h"
#include "format/legacy/header.h"
#include "format/legacy/section_storages.h"
#include "format/legacy/storage_view.h"
#include "format/pickle/stream.h"
#include "format/pt/tensor_codec.h"
#include "format/tar/archive.h"

namespace torchkeep::tar {
namespace {

constexpr std::string_view kFirstMember = "sys_info";
constexpr std::uint32_t kMostDimensions = 64;

std::int64_t as_key(const Value& key) {
  if (key.is_int()) return key.as_int();
  if (key.is_string()) {
    const std::string& text = key.as_string();
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size()) return number;
  }
  fail(ErrorCode::corrupt, "a {} where the key of a tensor or storage must stand",
       name(key.kind()));
}

// The number that stands in front of what it counts.
std::int64_t as_count(const Value& count) {
  if (!count.is_int() || count.as_int() < 0) {
    fail(ErrorCode::corrupt, "the member begins with a {} that is no count", name(count.kind()));
  }
  return count.as_int();
}

// The parts of a tuple of that size.
const List& parts_of(const Value& value, std::size_t count, std::string_view what) {
  if (!value.is_tuple() && !value.is_list()) {
    fail(ErrorCode::corrupt, "{} is a {} (expected a tuple)", what, name(value.kind()));
  }
  if (value.size() != count) {
    fail(ErrorCode::corrupt, "{} has {} parts (expected {})", what, value.size(), count);
  }
  return value.items();
}

// What `call` gives. An error gets the member at which it happened, and says that the file is at
// fault and not the caller.
template <class Call>
auto in_member(std::string_view member, Call call) {
  try {
    return call();
  } catch (Error& error) {
    error.add_place({.record = std::string(member)});
    if (error.code() != ErrorCode::invalid_argument) throw;
    throw Error(ErrorCode::corrupt, error.problem(), error.place(), error.advice());
  }
}

class Reader {
 public:
  Reader(const Archive& archive, const LoadOptions& options)
      : archive_(archive),
        options_(options),
        tensors_([this](const std::string&,
                        std::optional<DType> dtype,
                        const std::string& location,
                        std::uint64_t bytes) { return declare(dtype, location, bytes); },
                 options.limits) {}

  Loaded run() {
    const legacy::CountOrder order = read_sys_info();
    const legacy::SectionStorages storages = read_storages(order);
    read_tensors();
    Value value = read_object();
    in_member("storages", [&] { storages.fill(); });
    in_member("tensors", [&] { tensors_.check_contents(); });
    return {.value = std::move(value), .globals = {globals_.begin(), globals_.end()}};
  }

 private:
  // A storage of the member that is being read; its bytes stand where the stream will go on.
  Storage declare(std::optional<DType> dtype, const std::string& location, std::uint64_t bytes) {
    stored_.push_back({0, bytes, dtype, location});
    return Storage(nullptr, bytes, nullptr, dtype, location);
  }

  void keep_globals(const pickle::Stream& stream) {
    const std::vector<std::string> globals = stream.globals();
    globals_.insert(globals.begin(), globals.end());
  }

  void add(std::int64_t key, Value value) {
    if (!by_key_.emplace(key, std::move(value)).second) {
      fail(ErrorCode::corrupt, "two tensors or storages have the key {}", key);
    }
  }

  const Value& at(std::int64_t key) const {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) {
      fail(ErrorCode::corrupt, "there is no tensor or storage with the key {}", key);
    }
    return found->second;
  }

  legacy::CountOrder read_sys_info() {
    return in_member(kFirstMember, [&] {
      pickle::Stream stream(archive_.content(kFirstMember), options_.limits);
      const Value sys_info = stream.next_pickle().value;
      keep_globals(stream);
      return legacy::count_order(sys_info);
    });
  }

  legacy::SectionStorages read_storages(legacy::CountOrder order) {
    return in_member("storages", [&] {
      const io::Section content = archive_.content("storages");
      pickle::Stream stream(content, options_.limits);
      std::vector<std::int64_t> keys;
      const std::int64_t count = as_count(stream.next_pickle().value);
      for (std::int64_t i = 0; i < count; ++i) keys.push_back(read_storage(stream, order));
      const Value views = stream.next_pickle().value;
      keep_globals(stream);
      legacy::SectionStorages storages(content, stored_, options_);
      for (std::size_t i = 0; i < keys.size(); ++i) add(keys[i], storages.storages()[i]);
      add_views(views);
      return storages;
    });
  }

  // (key, location, class), then the number of elements and their bytes.
  std::int64_t read_storage(pickle::Stream& stream, legacy::CountOrder order) {
    const Value description = stream.next_pickle().value;
    const List& parts = parts_of(description, 3, "the description of a storage");
    const std::int64_t key = as_key(parts[0]);
    const std::uint64_t count = legacy::decode_count(stream.next_u64(), order);
    if (count > INT64_MAX) fail(ErrorCode::corrupt, "storage {} has {} elements", key, count);
    const std::size_t known = stored_.size();
    tensors_.hooks().persistent_load(tuple(
        {"storage", parts[2], std::to_string(key), parts[1], static_cast<std::int64_t>(count)}));
    if (stored_.size() == known) {
      fail(ErrorCode::corrupt, "two tensors or storages have the key {}", key);
    }
    stored_.back().offset = stream.position();
    stream.skip(stored_.back().bytes);
    return key;
  }

  // (key, key of the whole, offset, number of elements) each.
  void add_views(const Value& views) {
    if (!views.is_list()) {
      fail(ErrorCode::corrupt, "the views of storages are a {} (expected a list)",
           name(views.kind()));
    }
    for (const Value& view : views.as_list()) {
      const List& parts = parts_of(view, 4, "a view of a storage");
      const Value& root = at(as_key(parts[1]));
      add(as_key(parts[0]), legacy::view_of(root.as_storage(), parts[2], parts[3]));
    }
  }

  void read_tensors() {
    in_member("tensors", [&] {
      pickle::Stream stream(archive_.content("tensors"), options_.limits);
      const std::int64_t count = as_count(stream.next_pickle().value);
      for (std::int64_t i = 0; i < count; ++i) read_tensor(stream);
      keep_globals(stream);
    });
  }

  // (key, key of the storage, class), then the number of dimensions, sizes, strides and offset.
  void read_tensor(pickle::Stream& stream) {
    const Value description = stream.next_pickle().value;
    const List& parts = parts_of(description, 3, "the description of a tensor");
    const std::uint32_t dimensions = stream.next_u32();
    if (dimensions > kMostDimensions) {
      fail(ErrorCode::corrupt, "a tensor has {} dimensions (expected at most {})", dimensions,
           kMostDimensions);
    }
    stream.skip(sizeof(std::uint32_t));  // the dimensions were once a number of 8 bytes
    const auto next_list = [&] {
      List numbers;
      for (std::uint32_t i = 0; i < dimensions; ++i) {
        numbers.emplace_back(static_cast<std::int64_t>(stream.next_u64()));
      }
      return Value(Tuple{std::move(numbers)});
    };
    const Value sizes = next_list();
    const Value strides = next_list();
    const auto offset = static_cast<std::int64_t>(stream.next_u64());
    const auto tensor = tensors_.hooks().build(Object::global("torch._utils", "_rebuild_tensor"),
                                               {at(as_key(parts[1])), offset, sizes, strides});
    add(as_key(parts[0]), tensor.value());
  }

  Value read_object() {
    return in_member("pickle", [&] {
      pickle::Stream stream(archive_.content("pickle"), options_.limits);
      pickle::DecodeHooks hooks = tensors_.hooks();
      hooks.persistent_load = [this](const Value& id) {
        // (class, source file, source text): the text is not looked at
        return id.is_tuple() ? parts_of(id, 3, "the reference to a class")[0] : at(as_key(id));
      };
      Value value = stream.next_pickle(hooks).value;
      keep_globals(stream);
      return value;
    });
  }

  const Archive& archive_;
  const LoadOptions& options_;
  pt::TensorDecoder tensors_;
  std::vector<legacy::StoredBytes> stored_;
  std::map<std::int64_t, Value> by_key_;  // ordered: keys could be chosen to collide
  std::set<std::string> globals_;
};

}  // namespace

bool recognises(const Probe& probe) {
  constexpr std::size_t kMagicOffset = 257;
  if (probe.head().size() <= kMagicOffset ||
      !probe.head().substr(kMagicOffset).starts_with("ustar")) {
    return false;
  }
  return probe.head().starts_with(std::string(kFirstMember) + '\0') ||
         first_name(io::Section(probe.file())) == kFirstMember;
}

Loaded read(const Probe& probe, const LoadOptions& options) {
  const Archive archive(io::Section(probe.file()), options.limits);
  return Reader(archive, options).run();
}

}  // namespace torchkeep::tar
