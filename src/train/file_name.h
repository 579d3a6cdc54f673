// Names of checkpoint files made from a template.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <torchkeep/metrics.h>

namespace torchkeep {

// A template such as "model_{epoch:03d}_{val_loss:.4f}", parsed once: text and fields in turn.
class FileNameTemplate {
 public:
  // Throws invalid_argument for braces that do not match, a field without a name, a format that
  // does not fit the field's type, and a "/".
  explicit FileNameTemplate(std::string_view text);

  // The file name, which ends in ".pt". Throws not_found, listing the metrics, for a field without
  // a value, and invalid_argument where the result is too long for a file name.
  std::string format(int epoch, std::int64_t step, const Metrics& metrics) const;

 private:
  struct Field {
    std::string name;    // "epoch", "step" or a metric
    std::string format;  // a format string of {fmt}: "{}", "{:.4f}"
    bool as_integer = false;
  };
  struct Part {
    std::string text;  // comes before the field
    Field field;       // without a name at the end of the template
  };

  static Field parse_field(std::string_view field);
  std::string format_field(const Field& field,
                           int epoch,
                           std::int64_t step,
                           const Metrics& metrics) const;

  std::string text_;
  std::vector<Part> parts_;
};

// The name that a manager uses where none is given: "{epoch:03d}-{step}", and the monitored metric.
std::string default_file_name_template(std::string_view monitor);

// A path in the directory for a file of that name, which ends in ".pt"; with "-v1", "-v2", ...
// before the ending where others are taken, by files or by being among `taken`.
std::filesystem::path unused_path(const std::filesystem::path& directory,
                                  const std::string& file_name,
                                  const std::vector<std::filesystem::path>& taken = {});

}  // namespace torchkeep
