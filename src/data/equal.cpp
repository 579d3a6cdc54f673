#include <bit>
#include <set>
#include <utility>
#include <vector>

#include <torchkeep/tensor_extras.h>
#include <torchkeep/value.h>

namespace torchkeep {
namespace {

// Compares with a list of pairs still to do instead of recursion; a pair that was seen is not
// compared again, so that shared and cyclic values end.
class Comparison {
 public:
  bool run(const Value& a, const Value& b) {
    push(a, b);
    while (!pending_.empty()) {
      const auto [left, right] = pending_.back();
      pending_.pop_back();
      if (!compare(left, right)) return false;
    }
    return true;
  }

 private:
  void push(const Value& a, const Value& b) { pending_.emplace_back(a, b); }

  bool push_items(const List& a, const List& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) push(a[i], b[i]);
    return true;
  }

  template <class Entries>
  bool push_entries(const Entries& a, const Entries& b) {
    if (a.size() != b.size()) return false;
    auto right = b.begin();
    for (const auto& [key, value] : a) {
      push(key, right->first);
      push(value, right->second);
      ++right;
    }
    return true;
  }

  bool compare(const Value& a, const Value& b) {
    if (a.kind() != b.kind()) return false;
    if (a.identity() != nullptr) {
      if (a.identity() == b.identity()) return true;
      if (!seen_.emplace(a.identity(), b.identity()).second) return true;
    }
    switch (a.kind()) {
      case Value::Kind::none:
        return true;
      case Value::Kind::boolean:
        return a.as_bool() == b.as_bool();
      case Value::Kind::integer:
        return a.as_int() == b.as_int();
      case Value::Kind::floating:  // by bits, so that NaN equals itself
        return std::bit_cast<std::uint64_t>(a.as_double()) ==
               std::bit_cast<std::uint64_t>(b.as_double());
      case Value::Kind::string:
        return a.as_string() == b.as_string();
      case Value::Kind::bytes:
        return a.as_bytes() == b.as_bytes();
      case Value::Kind::tensor:
        return compare_tensors(a.as_tensor(), b.as_tensor());
      case Value::Kind::storage: {
        const auto x = a.as_storage().bytes();
        const auto y = b.as_storage().bytes();
        return std::equal(x.begin(), x.end(), y.begin(), y.end());
      }
      case Value::Kind::list:
      case Value::Kind::tuple:
      case Value::Kind::set:
        return push_items(a.items(), b.items());
      case Value::Kind::dict:
        push(a.as_dict().attributes(), b.as_dict().attributes());
        return a.as_dict().type() == b.as_dict().type() && push_entries(a.as_dict(), b.as_dict());
      case Value::Kind::object:
        return compare_objects(a.as_object(), b.as_object());
    }
    return false;
  }

  bool compare_tensors(const Tensor& a, const Tensor& b) {
    if ((a.extras() == nullptr) != (b.extras() == nullptr)) return false;
    if (a.extras() != nullptr) {
      push(a.extras()->type, b.extras()->type);
      push(a.extras()->state, b.extras()->state);
    }
    return torchkeep::equal(a, b);
  }

  bool compare_objects(const Object& a, const Object& b) {
    if (a.form() != b.form() || a.module() != b.module() || a.name() != b.name()) return false;
    push(a.callee(), b.callee());
    push(a.arguments(), b.arguments());
    push(a.keyword_arguments, b.keyword_arguments);
    push(a.state, b.state);
    return push_items(a.list_items, b.list_items) && push_entries(a.dict_items, b.dict_items);
  }

  std::vector<std::pair<Value, Value>> pending_;
  std::set<std::pair<const void*, const void*>> seen_;
};

}  // namespace

bool equal(const Value& a, const Value& b) { return Comparison().run(a, b); }

}  // namespace torchkeep
