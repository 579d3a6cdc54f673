#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include <torchkeep/dataset.h>

#include <ATen/Functions.h>

#include "base/fail.h"
#include "io/atomic_file.h"

namespace torchkeep {
namespace image_list_detail {

constexpr std::int64_t kMostClasses = 1'000'000;

// One field of a line, as RFC 4180 writes it; the rest begins behind the comma.
std::string take_field(std::string_view& rest) {
  std::string field;
  if (!rest.starts_with('"')) {
    field = rest.substr(0, rest.find(','));
    rest.remove_prefix(field.size());
    return field;
  }
  for (rest.remove_prefix(1); !rest.empty(); rest.remove_prefix(1)) {
    if (rest.starts_with("\"\"")) {
      rest.remove_prefix(1);
    } else if (rest.starts_with('"')) {
      rest.remove_prefix(1);
      return field;
    }
    field += rest.front();
  }
  fail(ErrorCode::corrupt, "a quotation mark is missing");
}

struct Row {
  std::string path = {};
  std::string label = {};
};

Row parse_row(std::string_view line) {
  std::string_view rest = line;
  Row row{.path = take_field(rest)};
  if (!rest.starts_with(',')) fail(ErrorCode::corrupt, "\"{}\" is not `path,label`", line);
  rest.remove_prefix(1);
  row.label = take_field(rest);
  if (!rest.empty() || row.path.empty() || row.label.empty()) {
    fail(ErrorCode::corrupt, "\"{}\" is not `path,label`", line);
  }
  return row;
}

std::vector<Row> parse_rows(std::string_view text) {
  std::vector<Row> rows;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || (number == 1 && line == "path,label")) continue;
    try {
      rows.push_back(parse_row(line));
    } catch (Error& error) {
      error.add_place({.record = fmt::format("line {}", number)});
      throw;
    }
  }
  return rows;
}

std::optional<std::int64_t> as_number(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0 ||
      number >= kMostClasses) {
    return std::nullopt;
  }
  return number;
}

std::vector<std::string> class_names_in(const std::vector<Row>& rows) {
  std::int64_t largest = -1;
  std::vector<std::string> names;
  for (const Row& row : rows) {
    largest = std::max(largest, as_number(row.label).value_or(kMostClasses));
    names.push_back(row.label);
  }
  if (largest < kMostClasses) {
    names.clear();
    for (std::int64_t i = 0; i <= largest; ++i) names.push_back(std::to_string(i));
    return names;
  }
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace image_list_detail

Dataset load_image_list(const std::filesystem::path& csv) {
  namespace detail = image_list_detail;
  try {
    const std::vector<detail::Row> rows = detail::parse_rows(io::read_file(csv));
    if (rows.empty()) fail(ErrorCode::corrupt, "lists no images");
    Dataset dataset{.class_names = detail::class_names_in(rows)};
    std::map<std::string, std::int64_t> label_of;
    for (const std::string& name : dataset.class_names) {
      label_of.emplace(name, static_cast<std::int64_t>(label_of.size()));
    }
    std::vector<std::int64_t> labels;
    for (const detail::Row& row : rows) {
      dataset.files.push_back(csv.parent_path() / row.path);
      labels.push_back(label_of.at(row.label));
    }
    dataset.labels = at::tensor(labels, at::kLong);
    return dataset;
  } catch (Error& error) {
    error.add_place({.path = csv.string()});
    throw;
  }
}

}  // namespace torchkeep
