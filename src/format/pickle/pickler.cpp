#include "format/pickle/pickler.h"

#include <algorithm>

#include "base/fail.h"
#include "format/pickle/python_names.h"
#include "format/pickle/text.h"

namespace torchkeep::pickle {
namespace {

constexpr std::size_t kBatchSize = 1000;  // CPython's

Value global(std::string_view module, std::string_view name) {
  return Object::global(std::string(module), std::string(name));
}

}  // namespace

std::string Pickler::run(const Value& value) {
  output_.put_protocol();
  push(Save{&value});
  while (!tasks_.empty()) {
    const Task task = tasks_.back();
    tasks_.pop_back();
    std::visit([this](const auto& next) { perform(next); }, task);
  }
  output_.put(Opcode::stop);
  return output_.take();
}

void Pickler::perform(const AppendItems& task) {
  if (task.rest.empty()) return;
  if (task.rest.size() == 1 && (task.written == 0 || task.batching == Batching::reduced)) {
    push(Put{Opcode::append});
    push(Save{&task.rest.front()});
    return;
  }
  const auto batch = task.rest.first(std::min(task.rest.size(), kBatchSize));
  output_.put(Opcode::mark);
  push(AppendItems{task.rest.subspan(batch.size()), task.batching, batch.size()});
  push(Put{Opcode::appends});
  for (std::size_t i = batch.size(); i-- > 0;) push(Save{&batch[i]});
}

void Pickler::perform(const SetItems& task) {
  // After a full batch CPython starts another one for an exact dict, even if nothing is left.
  const bool is_exact = task.batching == Batching::exact;
  if (task.rest.empty() && !(is_exact && task.written == kBatchSize)) return;
  if (task.rest.size() == 1 && (task.written == 0 || !is_exact)) {
    push(Put{Opcode::setitem});
    push(Save{&task.rest.front().second});
    push(Save{&task.rest.front().first});
    return;
  }
  const auto batch = task.rest.first(std::min(task.rest.size(), kBatchSize));
  output_.put(Opcode::mark);
  push(SetItems{task.rest.subspan(batch.size()), task.batching, batch.size()});
  push(Put{Opcode::setitems});
  for (std::size_t i = batch.size(); i-- > 0;) {
    push(Save{&batch[i].second});
    push(Save{&batch[i].first});
  }
}

void Pickler::save(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::none:
      return output_.put(Opcode::none);
    case Value::Kind::boolean:
      return output_.put(value.as_bool() ? Opcode::newtrue : Opcode::newfalse);
    case Value::Kind::integer:
      return output_.put_integer(value.as_int());
    case Value::Kind::floating:
      return output_.put_float(value.as_double());
    case Value::Kind::storage:
      return save_storage(value);
    case Value::Kind::string:
      if (value.is_shared() && save_reference(value.identity())) return;
      output_.put_text(value.as_string());
      return memoize(identity_of(value));
    case Value::Kind::bytes:
    case Value::Kind::list:
    case Value::Kind::tuple:
    case Value::Kind::dict:
    case Value::Kind::set:
    case Value::Kind::tensor:
    case Value::Kind::object:
      return save_container(value);
  }
}

void Pickler::save_container(const Value& value) {
  if (value.is_object()) {
    const Object& object = value.as_object();
    if (object.form() == Object::Form::global) return save_global(value);
    if (object.form() == Object::Form::big_int) return output_.put_long(object.digits());
    if (object.form() == Object::Form::ancestor) {
      fail_at(ErrorCode::unsupported, {}, "leave that value out, or convert the file as a whole",
              "a value that contained itself in the file it came from");
    }
  }
  if (value.is_tuple() && value.size() == 0) return output_.put(Opcode::empty_tuple);
  if (value.is_shared()) {
    Mark& mark = marks_[value.identity()];
    if (mark.is_open) {
      fail_at(ErrorCode::unsupported, {}, "save it without the reference to itself",
              "the {} contains itself", name(value.kind()));
    }
    if (mark.memo_number != Mark::kNone) return output_.put_memo_reference(mark.memo_number);
    mark.is_open = true;
    push(Close{value.identity()});
  }
  switch (value.kind()) {
    case Value::Kind::bytes:
      return save_bytes(value);
    case Value::Kind::list:
      return save_list(value);
    case Value::Kind::tuple:
      return save_tuple(value);
    case Value::Kind::set:
      return save_set(value);
    case Value::Kind::dict:
      return save_dict(value);
    case Value::Kind::tensor:
      return save_tensor(value);
    default:
      return save_object(value.as_object(), identity_of(value));
  }
}

void Pickler::save_list(const Value& value) {
  output_.put(Opcode::empty_list);
  memoize(identity_of(value));
  push(AppendItems{value.as_list(), Batching::exact});
}

void Pickler::save_tuple(const Value& value) {
  constexpr auto kShort =
      std::to_array({Opcode::empty_tuple, Opcode::tuple1, Opcode::tuple2, Opcode::tuple3});
  const List& items = value.as_tuple();
  const bool is_short = items.size() < kShort.size();
  if (!is_short) output_.put(Opcode::mark);
  push(Memoize{identity_of(value)});
  push(Put{is_short ? kShort.at(items.size()) : Opcode::tuple});
  for (std::size_t i = items.size(); i-- > 0;) push(Save{&items[i]});
}

void Pickler::save_dict(const Value& value) {
  const Dict& dict = value.as_dict();
  if (dict.type() == Dict::Type::ordered) return save_ordered_dict(value);
  if (!dict.attributes().is_none()) {
    fail(ErrorCode::invalid_argument, "a plain dict has no attributes (an OrderedDict has)");
  }
  output_.put(Opcode::empty_dict);
  memoize(identity_of(value));
  push(SetItems{{dict.begin(), dict.end()}, Batching::exact});
}

void Pickler::save_ordered_dict(const Value& value) {
  const Dict& dict = value.as_dict();
  save_state(dict.attributes());
  push(SetItems{{dict.begin(), dict.end()}, Batching::reduced});
  push(Memoize{identity_of(value)});
  push_call(ordered_dict_class_, empty_tuple_);
}

void Pickler::save_set(const Value& value) {
  push(Memoize{identity_of(value)});
  push_call(keep(global("builtins", "set")), keep(tuple({Value(List(value.as_set()))})));
}

void Pickler::save_bytes(const Value& value) {
  push(Memoize{identity_of(value)});
  const std::string& bytes = value.as_bytes();
  if (bytes.empty()) {
    push_call(keep(global("builtins", "bytes")), empty_tuple_);
  } else {
    push_call(keep(global("_codecs", "encode")),
              keep(tuple({Value(utf8_from_latin1(bytes)), latin1_})));
  }
}

void Pickler::save_tensor(const Value& value) {
  if (!hooks_.reduce_tensor) {
    fail(ErrorCode::unsupported, "a tensor in a pickle that can hold none");
  }
  const Value& reduction = keep(hooks_.reduce_tensor(value.as_tensor()));
  save_object(reduction.as_object(), identity_of(value));
}

void Pickler::save_storage(const Value& value) {
  if (!hooks_.persistent_id) {
    fail(ErrorCode::unsupported, "a storage in a pickle that can hold none");
  }
  push(Put{Opcode::binpersid});
  push(Save{&keep(hooks_.persistent_id(value.as_storage()))});
}

void Pickler::save_object(const Object& object, const void* identity) {
  save_state(object.state);
  push(SetItems{object.dict_items, Batching::reduced});
  push(AppendItems{object.list_items, Batching::reduced});
  push(Memoize{identity});
  save_construction(object);
}

// Callee, arguments and REDUCE or NEWOBJ. Keyword arguments have no opcode in protocol 2.
void Pickler::save_construction(const Object& object) {
  if (!object.arguments().is_tuple()) {
    fail(ErrorCode::invalid_argument, "the arguments of {} are a {} (expected a tuple)",
         object.class_path(), name(object.arguments().kind()));
  }
  if (object.keyword_arguments.is_none()) {
    const bool is_call = object.form() == Object::Form::call;
    push_call(object.callee(), object.arguments(), is_call ? Opcode::reduce : Opcode::newobj);
  } else {
    push_call(keep(global("copyreg", "__newobj_ex__")),
              keep(tuple({object.callee(), object.arguments(), object.keyword_arguments})));
  }
}

void Pickler::push_call(const Value& callee, const Value& arguments, Opcode opcode) {
  push(Put{opcode});
  push(Save{&arguments});
  push(Save{&callee});
}

void Pickler::save_state(const Value& state) {
  if (state.is_none()) return;
  push(Put{Opcode::build});
  push(Save{&state});
}

void Pickler::save_global(const Value& value) {
  if (save_reference(value.identity())) return;
  const Object& object = value.as_object();
  const std::string key = fmt::format("{}\n{}", object.module(), object.name());
  if (object.module().empty() || object.name().empty() || std::ranges::count(key, '\n') != 1) {
    fail(ErrorCode::invalid_argument, "'{}' is no name of a class or function",
         object.class_path());
  }
  const void* identity = &*globals_.insert(key).first;
  if (save_reference(identity)) {
    marks_[value.identity()].memo_number = marks_[identity].memo_number;
    return;
  }
  if (object.name().find('.') != std::string::npos) return save_nested_global(object, identity);
  const auto [module, name] = to_python2({object.module(), object.name()});
  output_.put_global(module, name);
  memoize(identity);
}

// Protocol 2 names only what a module holds; what a class holds is an attribute of it.
void Pickler::save_nested_global(const Object& object, const void* identity) {
  const std::size_t dot = object.name().rfind('.');
  const std::string_view name = object.name();
  push(Memoize{identity});
  push_call(
      keep(global("builtins", "getattr")),
      keep(tuple({global(object.module(), name.substr(0, dot)), Value(name.substr(dot + 1))})));
}

bool Pickler::save_reference(const void* identity) {
  const std::uint32_t number = marks_[identity].memo_number;
  if (number == Mark::kNone) return false;
  output_.put_memo_reference(number);
  return true;
}

void Pickler::memoize(const void* identity) {
  if (identity != nullptr) marks_[identity].memo_number = memo_size_;
  output_.put_memo(memo_size_++);
}

const Value& Pickler::keep(Value value) {
  kept_.push_back(std::move(value));
  return kept_.back();
}

}  // namespace torchkeep::pickle
