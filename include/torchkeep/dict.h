// Python's dict and OrderedDict.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <torchkeep/value.h>

namespace torchkeep {

// Keeps the order of insertion. Keys are what Python can hash: none, bool, int, float, string,
// bytes, tuples of those, and classes; as in Python True, 1 and 1.0 are one key.
class Dict {
 public:
  enum class Type {
    plain,   // dict
    ordered  // collections.OrderedDict
  };
  using Entry = std::pair<Value, Value>;

  explicit Dict(Type type = Type::plain);
  Dict(const Dict& other);
  Dict(Dict&& other) noexcept;
  Dict& operator=(const Dict& other);
  Dict& operator=(Dict&& other) noexcept;
  ~Dict();

  Type type() const { return type_; }
  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  std::vector<Entry>::const_iterator begin() const { return entries_.begin(); }
  std::vector<Entry>::const_iterator end() const { return entries_.end(); }

  // Null if there is no such key. The pointer is valid until the dict changes.
  const Value* find(std::string_view key) const;
  const Value* find(const char* key) const { return find(std::string_view(key)); }
  const Value* find(const Value& key) const;
  bool contains(std::string_view key) const { return find(key) != nullptr; }

  // Adds the key at the end, or replaces the value of a key that is there.
  // Throws invalid_argument if Python could not hash the key, and where tuples nest too deep.
  void set(Value key, Value value);
  // False if there was no such key. Cost: the number of entries.
  bool erase(std::string_view key);
  void clear();

  // The instance's __dict__, where a state dict keeps `_metadata`; none if it has nothing.
  const Value& attributes() const { return attributes_; }
  void set_attributes(Value attributes) { attributes_ = std::move(attributes); }

 private:
  class Index;

  std::size_t position_of(const Value& key) const;  // size() if absent
  std::size_t position_of(std::string_view key) const;
  void build_index();

  Type type_;
  std::vector<Entry> entries_;
  std::unique_ptr<Index> index_;  // none for few entries: those are searched one by one
  Value attributes_;
};

}  // namespace torchkeep
