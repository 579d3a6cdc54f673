#include "format/pickle/globals.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <unordered_map>

#include <torchkeep/error.h>

#include "base/fail.h"
#include "format/pickle/instruction.h"
#include "format/pickle/memo.h"
#include "format/pickle/text.h"

namespace torchkeep::pickle {
namespace {

constexpr std::size_t kMostNameBytes = 512;
constexpr std::size_t kMostGlobals = 100'000;
constexpr std::uint64_t kMostEmbeddedBytes = std::uint64_t{256} << 20;
constexpr std::size_t kNone = static_cast<std::size_t>(-1);

// What is known of a value on the stack.
struct Item {
  enum class Kind : std::uint8_t { other, mark, text, bytes, global, instance, tuple };
  Kind kind = Kind::other;
  std::size_t index = kNone;  // of the global, of that which made the instance, or of the tuple
  std::string_view text = {};
};

// The start of a tuple, which is all that matters of the arguments of a call.
struct Pair {
  Item first, second;
};

class Finder {
 public:
  Finder(std::span<const std::byte> bytes, const Limits& limits)
      : reader_(bytes, limits.max_pickle_bytes), limits_(limits), memo_(limits.max_memo_entries) {}

  Globals run() {
    try {
      for (std::uint64_t count = 0; !found_.is_complete; ++count) {
        found_.bytes_used = reader_.position();
        check_limits(count);
        step(reader_.next());
      }
      found_.bytes_used = reader_.position();
    } catch (const Error& error) {
      found_.problem = error.problem();
    }
    return std::move(found_);
  }

 private:
  void check_limits(std::uint64_t count) const {
    if (count >= limits_.max_pickle_opcodes) {
      fail(ErrorCode::unsafe, "more than {} opcodes (Limits::max_pickle_opcodes)", count);
    }
    if (stack_.size() > limits_.max_stack_depth) {
      fail(ErrorCode::unsafe, "more than {} pending values (Limits::max_stack_depth)",
           limits_.max_stack_depth);
    }
    if (found_.uses.size() > kMostGlobals) {
      fail(ErrorCode::unsafe, "more than {} different globals", kMostGlobals);
    }
  }

  void step(const Instruction& instruction) {
    if (step_text(instruction) || step_memo(instruction) || step_container(instruction) ||
        step_import(instruction) || step_call(instruction)) {
      return;
    }
    switch (instruction.info->opcode) {
      case Opcode::stop:
        found_.is_complete = true;
        return;
      case Opcode::proto:
      case Opcode::frame:
      case Opcode::readonly_buffer:
        return;
      default:  // numbers, None, empty containers
        push({});
    }
  }

  bool step_text(const Instruction& instruction) {
    switch (instruction.info->opcode) {
      case Opcode::unicode:
        push_decoded(instruction, decode_raw_unicode_escape);
        return true;
      case Opcode::string:
        push_decoded(instruction, unquote);
        return true;
      case Opcode::binunicode:
      case Opcode::short_binunicode:
      case Opcode::binunicode8:
        push_text(instruction);
        return true;
      case Opcode::binstring:
      case Opcode::short_binstring:
        push_text(instruction);
        add_embedded(instruction.text, instruction.offset);
        return true;
      case Opcode::binbytes:
      case Opcode::short_binbytes:
      case Opcode::binbytes8:
      case Opcode::bytearray8:
        push({.kind = Item::Kind::bytes, .text = instruction.text});
        add_embedded(instruction.text, instruction.offset);
        return true;
      default:
        return false;
    }
  }

  bool step_memo(const Instruction& instruction) {
    switch (instruction.info->opcode) {
      case Opcode::put:
      case Opcode::binput:
      case Opcode::long_binput:
        memo_.put(memo_number(instruction), top());
        return true;
      case Opcode::memoize:
        memo_.put(memo_.size(), top());
        return true;
      case Opcode::get:
      case Opcode::binget:
      case Opcode::long_binget:
        push(remembered(memo_number(instruction)));
        return true;
      case Opcode::dup:
        push(top());
        return true;
      case Opcode::pop:
        drop();
        return true;
      default:
        return false;
    }
  }

  bool step_container(const Instruction& instruction) {
    switch (instruction.info->opcode) {
      case Opcode::mark:
        push({.kind = Item::Kind::mark});
        return true;
      case Opcode::pop_mark:
      case Opcode::appends:
      case Opcode::additems:
        pop_to_mark();
        return true;
      case Opcode::setitems:
        pop_to_mark();
        mark_changed(top());
        return true;
      case Opcode::append:
        pop();
        return true;
      case Opcode::setitem:
        pop();
        pop();
        mark_changed(top());
        return true;
      case Opcode::list:
      case Opcode::dict:
      case Opcode::frozenset:
        pop_to_mark();
        push({});
        return true;
      case Opcode::tuple:
        push_tuple(pop_to_mark());
        return true;
      case Opcode::tuple1:
        push_tuple({pop(), {}});
        return true;
      case Opcode::tuple2:
      case Opcode::tuple3: {
        if (instruction.info->opcode == Opcode::tuple3) pop();
        const Item second = pop();
        push_tuple({pop(), second});
        return true;
      }
      default:
        return false;
    }
  }

  bool step_import(const Instruction& instruction) {
    switch (instruction.info->opcode) {
      case Opcode::global:
        push_global(instruction.text, instruction.name, instruction.offset);
        return true;
      case Opcode::inst:
        pop_to_mark();
        push_global(instruction.text, instruction.name, instruction.offset);
        push_instance(drop());
        return true;
      case Opcode::stack_global: {
        const Item name = pop();
        const Item module = pop();
        push_global_of(module, name, instruction.offset);
        return true;
      }
      case Opcode::ext1:
      case Opcode::ext2:
      case Opcode::ext4:
        push_use(GlobalUse::Kind::extension, {}, std::to_string(instruction.number),
                 instruction.offset);
        return true;
      default:
        return false;
    }
  }

  bool step_call(const Instruction& instruction) {
    switch (instruction.info->opcode) {
      case Opcode::reduce: {
        const Item arguments = pop();
        const Item callee = drop();
        if (!push_attribute(callee, arguments, instruction.offset)) push_instance(callee);
        return true;
      }
      case Opcode::newobj_ex:
        pop();
        [[fallthrough]];
      case Opcode::newobj:
        pop();
        push_instance(drop());
        return true;
      case Opcode::obj:
        push_instance(pop_to_mark().first);
        return true;
      case Opcode::build:
        pop();
        mark_changed(top());
        return true;
      case Opcode::binpersid: {
        // ('module', class, file, source) stands for the class.
        const Item id = pop();
        const bool is_module = id.kind == Item::Kind::tuple &&
                               tuples_[id.index].first.text == "module" &&
                               tuples_[id.index].second.kind == Item::Kind::global;
        push(is_module ? tuples_[id.index].second : Item());
        return true;
      }
      default:
        return false;
    }
  }

  void push(Item item) { stack_.push_back(item); }
  Item top() const { return stack_.empty() ? Item() : stack_.back(); }
  Item drop() {
    const Item item = top();
    if (!stack_.empty()) stack_.pop_back();
    return item;
  }
  // Takes an item for something else to hold.
  Item pop() {
    const Item item = drop();
    if (item.kind == Item::Kind::global) found_.uses[item.index].is_passed = true;
    return item;
  }
  // The first two of the items that are popped.
  Pair pop_to_mark() {
    Pair first_two;
    while (!stack_.empty()) {
      const Item item = pop();
      if (item.kind == Item::Kind::mark) break;
      first_two = {item, first_two.first};
    }
    return first_two;
  }

  void push_text(const Instruction& instruction) {
    push({.kind = Item::Kind::text, .text = instruction.text});
    if (!instruction.text.starts_with("\xC2\x80")) return;  // the start of a pickle, as Latin-1
    if (const auto bytes = latin1_from_utf8(instruction.text)) {
      add_embedded(*bytes, instruction.offset);
    }
  }

  template <class Decode>
  void push_decoded(const Instruction& instruction, Decode decode) {
    try {
      decoded_.push_back(decode(instruction.text));
    } catch (const Error&) {
      push({});
      return;
    }
    push({.kind = Item::Kind::text, .text = decoded_.back()});
    add_embedded(decoded_.back(), instruction.offset);
  }

  void push_tuple(Pair start) {
    const auto is_known = [](const Item& item) { return item.kind != Item::Kind::other; };
    if (!is_known(start.first) && !is_known(start.second)) return push({});
    tuples_.push_back(start);
    push({.kind = Item::Kind::tuple, .index = tuples_.size() - 1});
  }

  void push_global(std::string_view module, std::string_view name, std::size_t offset) {
    push_use(GlobalUse::Kind::named, std::string(module.substr(0, kMostNameBytes)),
             std::string(name.substr(0, kMostNameBytes)), offset);
  }

  void push_global_of(const Item& module, const Item& name, std::size_t offset) {
    if (module.kind == Item::Kind::text && name.kind == Item::Kind::text) {
      push_global(module.text, name.text, offset);
    } else {
      push_use(GlobalUse::Kind::computed, std::string(module.text.substr(0, kMostNameBytes)),
               std::string(name.text.substr(0, kMostNameBytes)), offset);
    }
  }

  void push_use(GlobalUse::Kind kind, std::string module, std::string name, std::size_t offset) {
    std::string key = std::to_string(static_cast<int>(kind)) + module + '\n' + name;
    const auto [known, is_new] = index_.try_emplace(std::move(key), found_.uses.size());
    if (is_new) {
      found_.uses.push_back(
          {.kind = kind, .module = std::move(module), .name = std::move(name), .offset = offset});
    } else {
      ++found_.uses[known->second].count;
    }
    push({.kind = Item::Kind::global, .index = known->second});
  }

  // What a call of the global gives.
  void push_instance(const Item& callee) {
    if (callee.kind != Item::Kind::global) return push({});
    found_.uses[callee.index].is_called = true;
    found_.uses[callee.index].is_passed = true;
    push({.kind = Item::Kind::instance, .index = callee.index});
  }
  void mark_changed(const Item& target) {
    if (target.kind == Item::Kind::global) found_.uses[target.index].is_changed = true;
  }

  // getattr gives an attribute of a global, or of an instance, which its class has: a global again.
  // False for any other call.
  bool push_attribute(const Item& callee, const Item& arguments, std::size_t offset) {
    if (callee.kind != Item::Kind::global || arguments.kind != Item::Kind::tuple ||
        found_.uses[callee.index].name != "getattr") {
      return false;
    }
    const auto& [object, attribute] = tuples_[arguments.index];
    const bool has_class = object.kind == Item::Kind::global || object.kind == Item::Kind::instance;
    if (!has_class || attribute.kind != Item::Kind::text) return false;
    found_.uses[callee.index].is_called = true;
    const GlobalUse& of = found_.uses[object.index];
    push_global(of.module, of.name + "." + std::string(attribute.text.substr(0, kMostNameBytes)),
                offset);
    return true;
  }

  static std::uint64_t memo_number(const Instruction& instruction) {
    if (instruction.info->opcode != Opcode::put && instruction.info->opcode != Opcode::get) {
      return instruction.number;
    }
    std::uint64_t number = 0;
    for (const char c : instruction.text) {
      if (c >= '0' && c <= '9') number = number * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return number;
  }

  Item remembered(std::uint64_t number) const {
    try {
      return memo_.get(number);
    } catch (const Error&) {
      return {};
    }
  }

  // Only what begins as a pickle or an archive.
  void add_embedded(std::string_view bytes, std::size_t offset) {
    const bool is_pickle = bytes.size() > 2 && bytes[0] == '\x80' && bytes[1] >= 0 && bytes[1] <= 5;
    if (!is_pickle && !bytes.starts_with("PK\3\4")) return;
    embedded_bytes_ += bytes.size();
    if (embedded_bytes_ > kMostEmbeddedBytes) {
      fail(ErrorCode::unsafe, "more than {} bytes of pickles inside", kMostEmbeddedBytes);
    }
    found_.embedded.push_back({std::string(bytes), offset});
  }

  InstructionReader reader_;
  const Limits& limits_;
  Globals found_;
  std::vector<Item> stack_;
  BasicMemo<Item> memo_;
  std::vector<Pair> tuples_;
  std::deque<std::string> decoded_;  // texts with escapes; does not move them
  std::unordered_map<std::string, std::size_t> index_;
  std::uint64_t embedded_bytes_ = 0;
};

}  // namespace

Globals find_globals(std::span<const std::byte> bytes, const Limits& limits) {
  return Finder(bytes, limits).run();
}

}  // namespace torchkeep::pickle
