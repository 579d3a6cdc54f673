// What the command line says of images: how they are prepared, and what becomes of broken ones.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <torchkeep/dataset.h>
#include <torchkeep/model.h>
#include <torchkeep/preprocessing.h>

#include <CLI/App.hpp>

namespace torchkeep::cli {

// Zero or empty: as the model says, or else as is usual for it.
struct ImageOptions {
  std::int64_t image_size = 0;
  std::int64_t resize = 0;
  std::string interpolation = "";
  std::string orientation = "";
  std::string jpeg_scale = "";
  std::int64_t workers = 0;  // 0: all processors
  std::string broken_images = "fail";
};

// The object must live as long as the command.
void add_image_options(CLI::App& command, ImageOptions& options);

// The preprocessing that the model brings along, or `fallback`, or else the usual one of its
// architecture, changed as the options ask. Throws invalid_argument for images in files of which
// nothing says a size.
Preprocessing choose_preprocessing(const ImageOptions& options,
                                   const Model& model,
                                   const Dataset& dataset,
                                   std::optional<Preprocessing> fallback = std::nullopt);

// The data set, without the images that cannot be decoded if the options say so: those are told on
// standard error.
Dataset without_broken(const Dataset& dataset, const ImageOptions& options);

}  // namespace torchkeep::cli
