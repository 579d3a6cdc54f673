#include "train/file_name.h"

#include <algorithm>
#include <cctype>

#include <torchkeep/checkpoint_manager.h>

#include "base/fail.h"

namespace torchkeep {
namespace {

constexpr std::string_view kExtension = ".pt";
constexpr std::size_t kMaxFileNameBytes = 240;  // of 255, to leave room for a version and a suffix
constexpr std::size_t kMaxDigits = 3;           // of a width or a precision

[[noreturn]] void fail_template(std::string_view text, std::string_view problem) {
  fail_at(ErrorCode::invalid_argument, {},
          "write fields as {epoch}, {epoch:03d} or {val_loss:.4f}, and a brace as {{ or }}",
          "the file name template \"{}\" {}", text, problem);
}

// A width such as 999999999 would only fill memory.
bool has_long_number(std::string_view spec) {
  std::size_t digits = 0;
  for (const char c : spec) {
    digits = std::isdigit(static_cast<unsigned char>(c)) != 0 ? digits + 1 : 0;
    if (digits > kMaxDigits) return true;
  }
  return false;
}

template <class T>
bool accepts(const std::string& format, T value) {
  try {
    (void)fmt::vformat(format, fmt::make_format_args(value));
    return true;
  } catch (const fmt::format_error&) {
    return false;
  }
}

bool is_counter(std::string_view field) { return field == "epoch" || field == "step"; }

}  // namespace

FileNameTemplate::FileNameTemplate(std::string_view text) : text_(text) {
  if (text.ends_with(kExtension)) text.remove_suffix(kExtension.size());
  if (text.empty()) fail_template(text_, "is empty");
  if (text.starts_with('.')) fail_template(text_, "starts with a dot");
  Part part;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '/' || c == '\0') fail_template(text_, "holds a character that no file name can hold");
    if (c != '{' && c != '}') {
      part.text += c;
    } else if (i + 1 < text.size() && text[i + 1] == c) {
      part.text += c;
      ++i;
    } else {
      const std::size_t end = c == '{' ? text.find_first_of("{}", i + 1) : std::string_view::npos;
      if (end == std::string_view::npos || text[end] != '}') {
        fail_template(text_, "has braces that do not match");
      }
      try {
        part.field = parse_field(text.substr(i + 1, end - i - 1));
      } catch (const Error& error) {
        fail_template(text_, error.problem());
      }
      parts_.push_back(std::move(part));
      part = {};
      i = end;
    }
  }
  parts_.push_back(std::move(part));
}

FileNameTemplate::Field FileNameTemplate::parse_field(std::string_view field) {
  const std::size_t colon = field.find(':');
  const std::string name(field.substr(0, colon));
  const std::string_view spec =
      colon == std::string_view::npos ? std::string_view() : field.substr(colon + 1);
  if (name.empty()) fail(ErrorCode::invalid_argument, "has a field without a name");
  Field parsed{.name = name, .format = spec.empty() ? "{}" : fmt::format("{{:{}}}", spec)};
  if (!has_long_number(spec)) {
    parsed.as_integer = is_counter(name) && accepts(parsed.format, std::int64_t{0});
    if (parsed.as_integer || accepts(parsed.format, 0.0)) return parsed;
  }
  fail(ErrorCode::invalid_argument, "gives {} the format \"{}\", which does not fit a {}", name,
       spec, is_counter(name) ? "whole number" : "number");
}

std::string FileNameTemplate::format_field(const Field& field,
                                           int epoch,
                                           std::int64_t step,
                                           const Metrics& metrics) const {
  if (is_counter(field.name)) {
    const std::int64_t count = field.name == "epoch" ? epoch : step;
    if (field.as_integer) return fmt::vformat(field.format, fmt::make_format_args(count));
    const auto real = static_cast<double>(count);
    return fmt::vformat(field.format, fmt::make_format_args(real));
  }
  const double value = metric(metrics, field.name);
  return fmt::vformat(field.format, fmt::make_format_args(value));
}

std::string FileNameTemplate::format(int epoch, std::int64_t step, const Metrics& metrics) const {
  std::string result;
  try {
    for (const auto& [text, field] : parts_) {
      result += text;
      if (field.name.empty()) continue;
      std::string value = format_field(field, epoch, step, metrics);
      std::replace(value.begin(), value.end(), '/', '_');
      result += value;
    }
  } catch (const Error& error) {
    fail_at(error.code(), {}, error.advice(), "the file name template \"{}\" asks for more: {}",
            text_, error.problem());
  }
  if (result.size() > kMaxFileNameBytes) {
    fail(ErrorCode::invalid_argument,
         "the file name template \"{}\" gives a name of {} bytes (expected at most {})", text_,
         result.size(), kMaxFileNameBytes);
  }
  return result.append(kExtension);
}

std::string default_file_name_template(std::string_view monitor) {
  std::string result = "{epoch:03d}-{step}";
  if (!monitor.empty()) result += fmt::format("-{{{}:.4f}}", monitor);
  return result;
}

std::filesystem::path unused_path(const std::filesystem::path& directory,
                                  const std::string& file_name,
                                  const std::vector<std::filesystem::path>& taken) {
  std::filesystem::path path = directory / file_name;
  const std::string stem = file_name.substr(0, file_name.size() - kExtension.size());
  std::error_code error;
  for (int version = 1;
       exists(symlink_status(path, error)) || std::ranges::find(taken, path) != taken.end();
       ++version) {
    path = directory / fmt::format("{}-v{}{}", stem, version, kExtension);
  }
  return path;
}

std::string format_file_name(const std::string& name_template,
                             int epoch,
                             std::int64_t step,
                             const Metrics& metrics) {
  return FileNameTemplate(name_template).format(epoch, step, metrics);
}

}  // namespace torchkeep
