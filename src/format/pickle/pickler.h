// CPython's pickler for protocol 2, with a list of tasks in place of recursion.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include <torchkeep/value.h>

#include "format/pickle/encode.h"
#include "format/pickle/identity_map.h"
#include "format/pickle/output.h"

namespace torchkeep::pickle {

class Pickler {
 public:
  explicit Pickler(const EncodeHooks& hooks) : hooks_(hooks) {}

  // Once.
  std::string run(const Value& value);

 private:
  // What is still to be written. Identities are those of Value::identity(), or that of a global's
  // name in `globals_`; null for a value that nothing else holds: nothing can refer to it again.
  struct Save {
    const Value* value;
  };
  struct Put {
    Opcode opcode;
  };
  struct Memoize {
    const void* identity;
  };
  struct Close {  // the container is complete
    const void* identity;
  };
  // CPython batches the items of exact lists and dicts differently from those of a reduction.
  enum class Batching { exact, reduced };
  struct AppendItems {
    std::span<const Value> rest;
    Batching batching;
    std::size_t written = 0;
  };
  struct SetItems {
    std::span<const Dict::Entry> rest;
    Batching batching;
    std::size_t written = 0;
  };
  using Task = std::variant<Save, Put, Memoize, Close, AppendItems, SetItems>;

  void perform(const Save& task) { save(*task.value); }
  void perform(const Put& task) { output_.put(task.opcode); }
  void perform(const Memoize& task) { memoize(task.identity); }
  void perform(const Close& task) { marks_[task.identity].is_open = false; }
  void perform(const AppendItems& task);
  void perform(const SetItems& task);

  void save(const Value& value);
  void save_container(const Value& value);
  void save_bytes(const Value& value);
  void save_list(const Value& value);
  void save_tuple(const Value& value);
  void save_set(const Value& value);
  void save_dict(const Value& value);
  void save_ordered_dict(const Value& value);
  void save_storage(const Value& value);
  void save_tensor(const Value& value);
  void save_object(const Object& object, const void* identity);
  void save_global(const Value& value);
  void save_nested_global(const Object& object, const void* identity);
  void save_state(const Value& state);
  void save_construction(const Object& object);
  void push_call(const Value& callee, const Value& arguments, Opcode opcode = Opcode::reduce);

  bool save_reference(const void* identity);
  static const void* identity_of(const Value& value) {
    return value.is_shared() ? value.identity() : nullptr;
  }
  void memoize(const void* identity);
  // Keeps what was made on the way until the end: its addresses stand in the memo.
  const Value& keep(Value value);
  // The next task; of several, push the last one first.
  void push(Task task) { tasks_.push_back(std::move(task)); }

  const EncodeHooks& hooks_;
  Output output_;
  std::vector<Task> tasks_;
  struct Mark {
    static constexpr std::uint32_t kNone = UINT32_MAX;
    std::uint32_t memo_number = kNone;
    bool is_open = false;  // being written
  };
  IdentityMap<Mark> marks_;
  std::uint32_t memo_size_ = 0;
  std::unordered_set<std::string> globals_;
  std::deque<Value> kept_;
  // As in CPython, one object wherever it appears.
  const Value latin1_ = "latin1";
  const Value empty_tuple_ = Tuple{};
  const Value ordered_dict_class_ = Object::global("collections", "OrderedDict");
};

}  // namespace torchkeep::pickle
