#include "format/npy/literal.h"

#include <charconv>

#include "base/fail.h"
#include "base/printable.h"

namespace torchkeep::npy {
namespace {

constexpr std::size_t kMostDimensions = 64;

class LiteralReader {
 public:
  explicit LiteralReader(std::string_view text) : text_(text) {}

  HeaderFields read() {
    expect('{');
    while (!take('}')) {
      entry();
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (position_ != text_.size()) refuse("something after the end of the header");
    if (!has_descr_ || !has_order_ || !has_shape_) {
      fail(ErrorCode::corrupt, "the header lacks one of descr, fortran_order and shape");
    }
    return std::move(fields_);
  }

 private:
  void entry() {
    const std::string_view key = string();
    expect(':');
    if (key == "descr") {
      once(has_descr_);
      skip_space();
      if (peek() == '[' || peek() == '(') {
        fail(ErrorCode::unsupported, "an array of records with fields, which is no tensor");
      }
      fields_.descr = string();
    } else if (key == "fortran_order") {
      once(has_order_);
      fields_.fortran_order = boolean();
    } else if (key == "shape") {
      once(has_shape_);
      tuple();
    } else {
      refuse("an unknown key");
    }
  }

  void once(bool& seen) {
    if (seen) refuse("a key twice");
    seen = true;
  }

  std::string_view string() {
    skip_space();
    const char quote = peek();
    if (quote != '\'' && quote != '"') refuse("no string where one belongs");
    const std::size_t begin = ++position_;
    const std::size_t end = text_.find(quote, begin);
    const std::string_view content = text_.substr(begin, end - begin);
    if (end == std::string_view::npos || content.find('\\') != std::string_view::npos) {
      refuse("a string without end or with an escape");
    }
    position_ = end + 1;
    return content;
  }

  bool boolean() {
    skip_space();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (!text_.substr(position_).starts_with(word)) continue;
      position_ += word.size();
      return value;
    }
    refuse("neither True nor False");
  }

  void tuple() {
    expect('(');
    while (!take(')')) {
      fields_.shape.push_back(size());
      if (fields_.shape.size() > kMostDimensions) {
        fail(ErrorCode::unsupported, "an array of more than {} dimensions", kMostDimensions);
      }
      if (take(',')) continue;
      if (fields_.shape.size() == 1) refuse("a number where a tuple belongs");
      expect(')');
      break;
    }
  }

  std::int64_t size() {
    skip_space();
    std::int64_t value = 0;
    const char* begin = text_.data() + position_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error != std::errc() || value < 0) refuse("no size where one belongs");
    position_ += static_cast<std::size_t>(end - begin);
    if (peek() == 'L') ++position_;  // as Python 2 marks a long
    return value;
  }

  void skip_space() {
    while (peek() == ' ' || peek() == '\n' || peek() == '\t' || peek() == '\r') ++position_;
  }
  char peek() const { return position_ < text_.size() ? text_[position_] : '\0'; }

  bool take(char c) {
    skip_space();
    if (peek() != c) return false;
    ++position_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) refuse(fmt::format("no '{}' where one belongs", c));
  }

  [[noreturn]] void refuse(std::string_view what) const {
    Place place;
    place.byte_offset = position_;
    fail_at(ErrorCode::corrupt, place, "", "the header of the array has {}", what);
  }

  std::string_view text_;
  std::size_t position_ = 0;
  HeaderFields fields_;
  bool has_descr_ = false;
  bool has_order_ = false;
  bool has_shape_ = false;
};

}  // namespace

HeaderFields parse_literal(std::string_view text) { return LiteralReader(text).read(); }

}  // namespace torchkeep::npy
