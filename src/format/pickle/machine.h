// The pickle machine: a stack, a memo, and one step for each opcode. Nothing is ever called.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include <torchkeep/limits.h>
#include <torchkeep/value.h>

#include "format/pickle/budget.h"
#include "format/pickle/cycle.h"
#include "format/pickle/decode.h"
#include "format/pickle/fetched_entries.h"
#include "format/pickle/instruction.h"
#include "format/pickle/memo.h"
#include "format/pickle/python_data.h"
#include "format/pickle/stack.h"

namespace torchkeep::pickle {

class Machine {
 public:
  // All arguments must outlive the machine.
  Machine(std::span<const std::byte> bytes, const DecodeHooks& hooks, const Limits& limits);

  // Runs to STOP; once.
  Decoded run();

 private:
  void step(const Instruction& instruction);
  // Each does nothing and gives false if the opcode is none of its own.
  bool step_number(const Instruction& instruction);
  bool step_text(const Instruction& instruction);
  bool step_memo(const Instruction& instruction);
  bool step_container(const Instruction& instruction);
  bool step_filling(const Instruction& instruction);
  bool step_object(const Instruction& instruction);
  bool step_unsupported(const Instruction& instruction);
  bool step_control(const Instruction& instruction);

  void push_integer(std::string_view twos_complement);
  void push_decimal_integer(std::string_view text);
  void push_text(std::string_view utf8);
  void push_python2_text(std::string_view bytes);
  void push_bytes(std::string_view bytes);
  void push_bytearray(std::string_view bytes);
  void push_list(List items);
  void push_tuple(List items);
  void push_short_tuple(std::size_t size);
  void push_dict(List keys_and_values);
  void push_frozenset(List items);

  void append(List items);
  void set_items(List keys_and_values);
  void add_items(List items);

  Value global(std::string_view module, std::string_view name);
  void push_global_from_stack();
  void push_call(Value callee, Value arguments);
  void push_instance(Value callee, Value arguments, Value keyword_arguments);
  void push_old_instance(Value callee, List arguments);
  void build_top(Value state);
  void load_persistent(const Value& id);
  void check_callee(const Value& callee, const Value& arguments) const;
  // The object, if it is one that a pickle may fill; throws otherwise.
  Object& fillable_object(const Value& target) const;
  // What `call` gives; an error gets the dict key at which it happened.
  template <class Call>
  auto with_key(Call call) const {
    try {
      return call();
    } catch (Error& error) {
      error.add_place({.tensor = stack_.likely_key()});
      throw;
    }
  }

  void remember_top(std::uint64_t number);
  void push_again(Value value);
  Decoded stop();

  InstructionReader reader_;
  const DecodeHooks& hooks_;
  const Limits& limits_;
  // The members of sets that are filled item by item; the sets are held, so that no other gets
  // their identity.
  struct OpenSet {
    Value set;
    SetMembers members;
  };

  SharedContainers shared_;
  std::unordered_map<const void*, OpenSet> open_sets_;
  Stack stack_;
  FetchedEntries fetched_;
  Memo memo_;
  Budget budget_;
  std::uint64_t protocol_ = 0;
  const Value empty_tuple_ = Tuple{};  // one object, as in Python
  std::set<std::string> globals_;
};

}  // namespace torchkeep::pickle
