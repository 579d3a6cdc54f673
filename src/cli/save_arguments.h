// The options of commands that write a file.
#pragma once

#include <optional>
#include <string>

#include <torchkeep/save.h>

#include <CLI/App.hpp>

namespace torchkeep::cli {

// `--to FORMAT`, `--layout LAYOUT`, `--root-name NAME`, `--manifest`.
struct SaveArguments {
  std::optional<std::string> format = std::nullopt;
  std::optional<Layout> layout = std::nullopt;
  std::optional<std::string> root_name = std::nullopt;
  bool has_manifest = false;

  // Refers to this object.
  void add_to(CLI::App& command);
  SaveOptions options() const;
  Manifest manifest() const { return has_manifest ? Manifest::sha256 : Manifest::none; }
};

}  // namespace torchkeep::cli
