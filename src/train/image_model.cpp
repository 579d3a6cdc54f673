#include <array>

#include <torchkeep/dict.h>
#include <torchkeep/hub.h>
#include <torchkeep/image_model.h>

namespace torchkeep {
namespace image_model_detail {

const Normalisation& imagenet() {
  static const Normalisation normalisation{{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};
  return normalisation;
}

// Of architectures without published weights, by how their names begin.
struct Form {
  std::string_view begins_with;
  int resize;
  int crop;
};
constexpr std::array<Form, 6> kForms = {{{"mobilenet_v1", 256, 224},
                                         {"resnet20", 32, 32},
                                         {"resnet32", 32, 32},
                                         {"resnet44", 32, 32},
                                         {"resnet56", 32, 32},
                                         {"tiny_vgg", 28, 28}}};

std::optional<Preprocessing> preset_of(const std::string& architecture) {
  if (const auto* published = find_published_weights(architecture, "DEFAULT")) {
    return published->preprocessing;
  }
  for (const Form& form : kForms) {
    if (!architecture.starts_with(form.begins_with)) continue;
    return Preprocessing{.resize = form.resize, .crop = form.crop, .normalisation = imagenet()};
  }
  return std::nullopt;
}

}  // namespace image_model_detail

void set_class_names(Model& model, const std::vector<std::string>& names) {
  model.set_configuration("class_names", Value(List(names.begin(), names.end())));
}

std::vector<std::string> class_names(const Model& model) {
  std::vector<std::string> names;
  const Value* found = model.added_configuration().find("class_names");
  if (found == nullptr) return names;
  for (const Value& item : found->items()) names.push_back(item.as_string());
  return names;
}

void set_preprocessing(Model& model, const Preprocessing& preprocessing) {
  model.set_configuration("preprocessing", to_value(preprocessing));
}

std::optional<Preprocessing> preprocessing(const Model& model) {
  const Value* found = model.added_configuration().find("preprocessing");
  if (found == nullptr) return std::nullopt;
  return preprocessing_from_value(*found);
}

std::optional<Preprocessing> usual_preprocessing(const Model& model) {
  auto preset = image_model_detail::preset_of(model.architecture());
  if (!preset) return preset;
  const Value configuration = model.configuration();
  const Value* channels = configuration.find("in_channels");
  preset->channels = channels == nullptr ? 3 : static_cast<int>(channels->as_int());
  if (preset->channels == 1) preset->normalisation = {};
  return preset;
}

}  // namespace torchkeep
