#include "nn/layer_class.h"

#include <iterator>
#include <unordered_map>

#include <torch/nn/module.h>

#include "nn/layer_field.h"

namespace torchkeep {

namespace layer_class_detail {

class Table {
 public:
  static const Table& instance() {
    static const Table table;
    return table;
  }

  const LayerClass* find(std::string_view path) const {
    const auto found = by_path_.find(path);
    return found == by_path_.end() ? nullptr : &classes_[found->second];
  }
  const LayerClass* find(std::type_index type) const {
    const auto found = by_type_.find(type);
    return found == by_type_.end() ? nullptr : &classes_[found->second];
  }

 private:
  Table() {
    for (const auto& part : {container_classes, convolution_classes, linear_classes, norm_classes,
                             activation_classes, pooling_classes, padding_classes,
                             recurrent_classes, attention_classes, function_classes}) {
      std::vector<LayerClass> classes = part();
      std::move(classes.begin(), classes.end(), std::back_inserter(classes_));
    }
    // Of several classes with one type the first is the one that is written.
    for (std::size_t i = 0; i < classes_.size(); ++i) {
      by_path_.emplace(classes_[i].path, i);
      if (classes_[i].type != typeid(void)) by_type_.emplace(classes_[i].type, i);
    }
  }

  std::vector<LayerClass> classes_;
  std::unordered_map<std::string_view, std::size_t> by_path_;  // views into `classes_`
  std::unordered_map<std::type_index, std::size_t> by_type_;
};

}  // namespace layer_class_detail

namespace layers {

void read(const Value& value, std::vector<std::int64_t>& to) {
  to.clear();
  if (value.is_tuple() || value.is_list()) {
    for (const Value& item : value.items()) to.push_back(item.as_int());
  } else {
    to.push_back(value.as_int());
  }
}

}  // namespace layers

const LayerClass* find_layer_class(std::string_view path) {
  return layer_class_detail::Table::instance().find(path);
}

const LayerClass* find_layer_class(const torch::nn::Module& module) {
  return layer_class_detail::Table::instance().find(std::type_index(typeid(module)));
}

}  // namespace torchkeep
