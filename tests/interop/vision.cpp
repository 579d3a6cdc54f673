// What vision_test.py asks of images: many files in one process.
#include <iostream>

#include <torchkeep/batch_source.h>
#include <torchkeep/convert.h>
#include <torchkeep/dict.h>
#include <torchkeep/save.h>

#include <ATen/Functions.h>
#include <nlohmann/json.hpp>

#include "interop/torch_program.h"

namespace torchkeep::interop {

namespace vision_program {

Value pixels_of(const Image& image) {
  return from_torch(
      at::tensor(image.pixels, at::kByte).view({image.height, image.width, image.channels}));
}

// The result for each file, or the text of its error.
void for_each_file(const Arguments& arguments,
                   std::size_t first,
                   const std::function<Value(const std::string&)>& work) {
  Dict results;
  for (std::size_t i = first; i < arguments.size(); ++i) {
    try {
      results.set(Value(arguments[i]), work(arguments[i]));
    } catch (const Error& error) {
      results.set(Value(arguments[i]), Value(error.what()));
    }
  }
  save(Value(std::move(results)), arguments.at(0), {.durability = Durability::cached});
}

// OUT CHANNELS ORIENTATION FILE...: decoded.
void vision_decode(const Arguments& arguments) {
  const bool turns = arguments.at(2) == "from_exif";
  const DecodeOptions options{
      .channels = std::stoi(arguments.at(1)),
      .orientation = turns ? Orientation::from_exif : Orientation::as_stored};
  for_each_file(arguments, 3,
                [&](const std::string& file) { return pixels_of(read_image(file, options)); });
}

// OUT RESIZE CROP INTERPOLATION FILE...: resized and cut, bytes and normalised.
void vision_preprocess(const Arguments& arguments) {
  Preprocessing preprocessing{.resize = std::stoi(arguments.at(1)),
                              .crop = std::stoi(arguments.at(2)),
                              .normalisation = {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}}};
  if (arguments.at(3) == "bicubic") preprocessing.interpolation = Interpolation::bicubic;
  for_each_file(arguments, 4, [&](const std::string& file) {
    const Image image = read_image(file);
    return Value(tuple({pixels_of(preprocess_pixels(image, preprocessing)),
                        from_torch(preprocess(image, preprocessing))}));
  });
}

// OUT CHANGE FACTOR FILE...: colours changed.
void vision_colour(const Arguments& arguments) {
  static const std::map<std::string, Image (*)(const Image&, double)> changes = {
      {"brightness", with_brightness},
      {"contrast", with_contrast},
      {"saturation", with_saturation},
      {"hue", with_hue}};
  const auto change = changes.at(arguments.at(1));
  const double factor = std::stod(arguments.at(2));
  for_each_file(arguments, 3, [&](const std::string& file) {
    return pixels_of(change(read_image(file), factor));
  });
}

// OUT OPERATION MAGNITUDE FILE...: changed by an operation of RandAugment, by its number.
void vision_operation(const Arguments& arguments) {
  const auto operation = static_cast<Operation>(std::stoi(arguments.at(1)));
  const double magnitude = std::stod(arguments.at(2));
  for_each_file(arguments, 3, [&](const std::string& file) {
    return pixels_of(apply(read_image(file), operation, magnitude));
  });
}

// DIRECTORY: what an image folder holds, as JSON.
void vision_folder(const Arguments& arguments) {
  const Dataset dataset = load_image_folder(arguments.at(0));
  nlohmann::ordered_json json = {{"classes", dataset.class_names}};
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    json["samples"].push_back({dataset.files[static_cast<std::size_t>(i)].string(),
                               dataset.labels[i].item<std::int64_t>()});
  }
  std::cout << json << std::endl;
}

}  // namespace vision_program

Commands vision_commands() {
  return {{"vision_decode", vision_program::vision_decode},
          {"vision_operation", vision_program::vision_operation},
          {"vision_preprocess", vision_program::vision_preprocess},
          {"vision_colour", vision_program::vision_colour},
          {"vision_folder", vision_program::vision_folder}};
}

}  // namespace torchkeep::interop
