// JSON of files, event by event: no tree is built, and nesting costs no stack.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace torchkeep {

// A derived class takes the events that its format has. The others are errors, and so is nesting
// that no such file needs.
class JsonReader : private nlohmann::json_sax<nlohmann::json> {
 public:
  // The whole text, which must be one JSON value. Throws corrupt, with the byte offset where the
  // text is no JSON; what the events throw.
  void read(std::string_view text);

 protected:
  virtual void on_key(std::string& key);
  virtual void on_string(std::string& text);
  virtual void on_number(std::uint64_t number);
  virtual void on_object();
  virtual void on_object_end() {}
  virtual void on_array();
  virtual void on_array_end() {}

  // For on_key(): the value of this key gives no events, whatever it is.
  void skip_value() { skipped_depth_ = depth_; }

  [[noreturn]] static void refuse(std::string_view what);

 private:
  bool is_skipped();

  bool null() override;
  bool boolean(bool value) override;
  bool number_integer(std::int64_t value) override;
  bool number_unsigned(std::uint64_t value) override;
  bool number_float(double value, const std::string& text) override;
  bool string(std::string& value) override;
  bool binary(nlohmann::json::binary_t& value) override;
  bool start_object(std::size_t size) override;
  bool key(std::string& value) override;
  bool end_object() override;
  bool start_array(std::size_t size) override;
  bool end_array() override;
  bool parse_error(std::size_t position,
                   const std::string& token,
                   const nlohmann::json::exception& error) override;
  void enter();
  void leave();

  static constexpr std::size_t kNothing = SIZE_MAX;
  std::size_t depth_ = 0;
  std::size_t skipped_depth_ = kNothing;  // where the value that is skipped stands
};

}  // namespace torchkeep
