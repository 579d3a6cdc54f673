#include "format/json_reader.h"

#include "base/fail.h"

namespace torchkeep {
namespace {

constexpr std::size_t kMostDepth = 16;

}  // namespace

void JsonReader::read(std::string_view text) {
  nlohmann::json_sax<nlohmann::json>* events = this;
  nlohmann::json::sax_parse(text.begin(), text.end(), events);
}

void JsonReader::refuse(std::string_view what) {
  fail(ErrorCode::corrupt, "the JSON has {} where none belongs", what);
}

void JsonReader::on_key(std::string& key) { refuse(fmt::format("the key \"{}\"", key)); }
void JsonReader::on_string(std::string&) { refuse("a string"); }
void JsonReader::on_number(std::uint64_t) { refuse("a number"); }
void JsonReader::on_object() { refuse("an object"); }
void JsonReader::on_array() { refuse("an array"); }

// Whether the event belongs to a value that is skipped; a plain value ends there.
bool JsonReader::is_skipped() {
  if (skipped_depth_ == kNothing) return false;
  if (depth_ == skipped_depth_) skipped_depth_ = kNothing;
  return true;
}

bool JsonReader::null() {
  if (!is_skipped()) refuse("a null");
  return true;
}

bool JsonReader::boolean(bool) {
  if (!is_skipped()) refuse("a boolean");
  return true;
}

bool JsonReader::number_integer(std::int64_t) {
  if (!is_skipped()) refuse("a negative number");
  return true;
}

bool JsonReader::number_unsigned(std::uint64_t value) {
  if (!is_skipped()) on_number(value);
  return true;
}

bool JsonReader::number_float(double, const std::string&) {
  if (!is_skipped()) refuse("a number that is no 64-bit integer");
  return true;
}

bool JsonReader::string(std::string& value) {
  if (!is_skipped()) on_string(value);
  return true;
}

bool JsonReader::binary(nlohmann::json::binary_t&) { refuse("bytes"); }

void JsonReader::enter() {
  if (++depth_ > kMostDepth) {
    fail(ErrorCode::unsafe, "the JSON nests too deep (expected at most {} levels)", kMostDepth);
  }
}

// Of what was entered at this depth, the events end here.
void JsonReader::leave() {
  --depth_;
  if (skipped_depth_ == depth_) skipped_depth_ = kNothing;
}

bool JsonReader::start_object(std::size_t) {
  if (skipped_depth_ == kNothing) on_object();
  enter();
  return true;
}

bool JsonReader::end_object() {
  const bool skipped = skipped_depth_ != kNothing;
  leave();
  if (!skipped) on_object_end();
  return true;
}

bool JsonReader::start_array(std::size_t) {
  if (skipped_depth_ == kNothing) on_array();
  enter();
  return true;
}

bool JsonReader::end_array() {
  const bool skipped = skipped_depth_ != kNothing;
  leave();
  if (!skipped) on_array_end();
  return true;
}

bool JsonReader::key(std::string& value) {
  if (skipped_depth_ == kNothing) on_key(value);
  return true;
}

bool JsonReader::parse_error(std::size_t position,
                             const std::string&,
                             const nlohmann::json::exception&) {
  Place place;
  place.byte_offset = position;
  fail_at(ErrorCode::corrupt, place, "", "is no JSON");
}

}  // namespace torchkeep
