// The options of commands that write a file.
#pragma once

#include <optional>
#include <string>

#include <torchkeep/save.h>

#include <CLI/App.hpp>

namespace torchkeep::cli {

// `--to FORMAT`, `--layout LAYOUT`, `--root-name NAME`, `--manifest`.
class SaveArguments {
 public:
  // Refers to this object.
  void add_to(CLI::App& command);
  SaveOptions options() const;
  bool any() const { return format_ || layout_ || root_name_ || manifest_; }

 private:
  std::optional<std::string> format_;
  std::optional<Layout> layout_;
  std::optional<std::string> root_name_;
  bool manifest_ = false;
};

}  // namespace torchkeep::cli
