// How the attributes of a Python class and the options of LibTorch's class of that name correspond.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <torch/expanding_array.h>
#include <torch/nn/module.h>

#include "base/fail.h"
#include "nn/layer_builder.h"
#include "nn/layer_class.h"

namespace torchkeep::layers {

// Between Python's values and the types of options. Throw mismatch.
inline void read(const Value& value, bool& to) { to = value.as_bool(); }
inline void read(const Value& value, std::int64_t& to) { to = value.as_int(); }
inline void read(const Value& value, double& to) { to = value.as_double(); }
inline void read(const Value& value, std::string& to) { to = value.as_string(); }
void read(const Value& value, std::vector<std::int64_t>& to);
// std::optional, or what LibTorch 1.13 has in its place.
template <template <class> class Optional, class T>
requires requires(Optional<T>& optional) { optional.has_value(); }
void read(const Value& value, Optional<T>& to) {
  if (value.is_none()) {
    to.reset();
    return;
  }
  T present{};
  read(value, present);
  to = std::move(present);
}
// One number for all dimensions, or one for each.
template <std::size_t D, class T>
void read(const Value& value, torch::ExpandingArray<D, T>& to) {
  if (!value.is_tuple() && !value.is_list()) {
    T all{};
    read(value, all);
    to->fill(all);
    return;
  }
  const List& items = value.items();
  if (items.size() != D) {
    fail(ErrorCode::mismatch, "{} numbers (expected {})", items.size(), D);
  }
  for (std::size_t i = 0; i < D; ++i) read(items[i], (*to)[i]);
}

inline Value written(bool from) { return from; }
inline Value written(std::int64_t from) { return from; }
inline Value written(double from) { return from; }
inline Value written(const std::string& from) { return from; }
inline Value written(const std::vector<std::int64_t>& from) {
  return Tuple{List(from.begin(), from.end())};
}
template <template <class> class Optional, class T>
requires requires(const Optional<T>& optional) { optional.has_value(); }
Value written(const Optional<T>& from) { return from ? written(*from) : Value(); }
template <std::size_t D, class T>
Value written(const torch::ExpandingArray<D, T>& from) {
  List items;
  for (const T& item : *from) items.push_back(written(item));
  return Tuple{std::move(items)};
}

// One attribute.
template <class Options>
struct Field {
  std::string_view name;
  std::function<void(Options&, const Value&)> read;  // empty: Python derives it from the others
  std::function<Value(const Options&)> write;
};

// An option that both sides know under a name. `get` is its non-const accessor.
template <class Options, class T>
Field<Options> field(std::string_view name, T& (Options::*get)()) {
  return {
      name, [get](Options& options, const Value& value) { read(value, (options.*get)()); },
      [get](const Options& options) { return written((const_cast<Options&>(options).*get)()); }};
}

// The same, of which Python keeps one number where all dimensions have the same.
template <class Options, std::size_t D>
Field<Options> collapsed(std::string_view name, torch::ExpandingArray<D>& (Options::*get)()) {
  Field<Options> result = field(name, get);
  result.write = [get](const Options& options) {
    const auto& numbers = *(const_cast<Options&>(options).*get)();
    const bool all_equal = std::ranges::all_of(numbers, [&](auto n) { return n == numbers[0]; });
    return all_equal ? Value(numbers[0]) : written(torch::ExpandingArray<D>(numbers));
  };
  return result;
}

// An attribute that LibTorch has no option for: always that value.
template <class Options>
Field<Options> constant(std::string_view name, Value value) {
  return {name, {}, [value](const Options&) { return value; }};
}

// The same, where another value in a file asks for what LibTorch's class cannot do.
template <class Options>
Field<Options> only(std::string_view name, Value value) {
  return {name,
          [name, value](Options&, const Value& found) {
            if (equal(found, value)) return;
            fail(ErrorCode::unsupported, "{}={} is not supported (only {})", name, to_string(found),
                 to_string(value));
          },
          [value](const Options&) { return value; }};
}

// A named choice; `choices` maps Python's texts to values of the option's variant type.
template <class Options, class Choice>
Field<Options> choice(
    std::string_view name,
    Choice& (Options::*get)(),
    std::vector<std::pair<std::string_view, std::type_identity_t<Choice>>> choices) {
  return {name,
          [=](Options& options, const Value& value) {
            for (const auto& [text, chosen] : choices) {
              if (value.as_string() != text) continue;
              (options.*get)() = chosen;
              return;
            }
            fail(ErrorCode::mismatch, "unknown {} '{}'", name, value.as_string());
          },
          [=](const Options& options) -> Value {
            const auto index = (const_cast<Options&>(options).*get)().index();
            for (const auto& [text, chosen] : choices) {
              if (chosen.index() == index) return text;
            }
            return {};
          }};
}

template <class Impl>
using OptionsOf = std::remove_cvref_t<decltype(std::declval<Impl&>().options)>;

template <class Options>
void read_fields(const std::vector<Field<Options>>& fields,
                 const ModuleNode& node,
                 Options& options) {
  for (const Field<Options>& field : fields) {
    const Value* value = node.attributes.find(field.name);
    if (!value || !field.read) continue;
    try {
      field.read(options, *value);
    } catch (Error& error) {
      error.add_place({.tensor = std::string(field.name)});
      throw;
    }
  }
}

template <class Options>
Dict written_fields(const std::vector<Field<Options>>& fields, const Options& options) {
  Dict attributes;
  for (const Field<Options>& field : fields) {
    attributes.set(Value(field.name), field.write(options));
  }
  return attributes;
}

template <class Impl>
struct TensorMember {
  std::string_view name;
  at::Tensor Impl::*tensor;
};

template <class Impl>
std::vector<Layer::Member> members_of(Impl& module,
                                      const std::vector<TensorMember<Impl>>& members) {
  std::vector<Layer::Member> result;
  for (const auto& [name, tensor] : members) result.push_back({name, &(module.*tensor)});
  return result;
}

template <class Impl>
Layer::Forward forward_of(const std::shared_ptr<Impl>& module) {
  if constexpr (requires(const at::Tensor& x) {
                  { module->forward(x) } -> std::convertible_to<at::Tensor>;
                }) {
    return [module](const at::Tensor& x) { return module->forward(x); };
  } else {
    return {};
  }
}

// What a class needs beyond its options.
template <class Impl>
struct ClassParts {
  std::vector<TensorMember<Impl>> parameters = {};
  std::vector<TensorMember<Impl>> buffers = {};
};

// A class of LibTorch. `make` makes a module with few elements, which then gets the node's options
// and tensors.
template <class Impl>
LayerClass layer_class(std::string path,
                       std::function<std::shared_ptr<Impl>(const ModuleNode&)> make,
                       std::vector<Field<OptionsOf<Impl>>> fields,
                       ClassParts<Impl> parts = {}) {
  LayerClass result{.path = "torch.nn.modules." + path, .type = typeid(Impl)};
  for (const auto& each : parts.parameters) result.parameters.emplace_back(each.name);
  for (const auto& each : parts.buffers) result.buffers.emplace_back(each.name);
  result.attributes = [fields](const torch::nn::Module& module) {
    return written_fields(fields, dynamic_cast<const Impl&>(module).options);
  };
  result.build = [make, fields, parts](LayerBuilder& builder, std::size_t index) {
    const ModuleNode& node = builder.node(index);
    const std::shared_ptr<Impl> module = make(node);
    read_fields(fields, node, module->options);
    std::vector<Layer::Member> members = members_of(*module, parts.parameters);
    builder.set_tensors(*module, node, members);
    return Layer{module, forward_of(module), false, std::move(members)};
  };
  return result;
}

// The same where options that always do make a small module.
template <class Impl>
LayerClass layer_class(std::string path,
                       OptionsOf<Impl> smallest,
                       std::vector<Field<OptionsOf<Impl>>> fields,
                       ClassParts<Impl> parts = {}) {
  return layer_class<Impl>(
      std::move(path), [smallest](const ModuleNode&) { return std::make_shared<Impl>(smallest); },
      std::move(fields), std::move(parts));
}

// A class without options.
template <class Impl>
LayerClass plain_class(std::string path) {
  return {.path = "torch.nn.modules." + path,
          .type = typeid(Impl),
          .build =
              [](LayerBuilder& builder, std::size_t index) {
                const auto module = std::make_shared<Impl>();
                builder.set_tensors(*module, builder.node(index), {});
                return Layer{module, forward_of(module)};
              },
          .attributes = [](const torch::nn::Module&) { return Dict(); }};
}

}  // namespace torchkeep::layers
