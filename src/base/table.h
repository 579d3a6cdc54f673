// Text for people: aligned columns, and numbers and sizes that are easy to read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace torchkeep {

// Rows of cells under titles. Columns are two spaces apart and as wide as their widest cell; lines
// have no spaces at their end. Control characters in cells are made printable.
class Table {
 public:
  enum class Align { left, right };
  struct Column {
    std::string title;
    Align align = Align::left;
  };

  explicit Table(std::vector<Column> columns);

  // As many cells as there are columns.
  void add_row(std::vector<std::string> cells);
  bool empty() const { return rows_.size() == 1; }
  // The titles and the rows, each with a line end. `indent` spaces stand in front of each.
  std::string text(std::size_t indent = 0) const;

 private:
  std::vector<Align> aligns_;
  std::vector<std::vector<std::string>> rows_;  // the first one holds the titles
};

// The columns that UTF-8 text takes on a terminal, one for each character.
std::size_t display_width(std::string_view text);

// 1,234,567
std::string grouped(std::uint64_t number);

// "0 B", "999 B", "1.5 KiB", "527.8 MiB": four digits at most before the unit.
std::string human_size(std::uint64_t bytes);

// "1 tensor", "2 tensors", "1,000 tensors".
std::string counted(std::uint64_t number, std::string_view noun);

}  // namespace torchkeep
