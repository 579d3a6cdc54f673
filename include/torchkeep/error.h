// Errors: one exception class with a code, a place and an advice.
//
// The text of an error reads `path: record or tensor: what is wrong (expected ..., got ...); what
// to do`. Low layers say what they know; the layer that knows the path or the tensor adds it with
// add_place() and rethrows the same error.
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

namespace torchkeep {

// What kind of failure it was, chosen by what the caller can do about it.
enum class ErrorCode {
  io,                // the operating system said no
  not_found,         // no such file, record, key, tensor, checkpoint or model
  corrupt,           // bytes contradict their format
  unsupported,       // valid, but not implemented here
  unsafe,            // would need code from the file to run, or breaks a limit
  mismatch,          // file and model disagree
  invalid_argument,  // the call itself is wrong
  internal,          // a bug in torchkeep
};

// The name of a code as it is written in messages and JSON, such as "not_found".
std::string_view name(ErrorCode code);

// Where something went wrong. Empty fields are unknown.
struct Place {
  std::string path = {};    // the file
  std::string record = {};  // the record inside the archive, such as "data.pkl"
  std::string tensor = {};  // the key of the tensor or value, such as "features.0.weight"
  std::optional<std::uint64_t> byte_offset =
      std::nullopt;  // from the start of the record, or else of the file
};

// The exception that every function of torchkeep throws. Copyable; safe to read from any thread.
class Error : public std::exception {
 public:
  Error(ErrorCode code, std::string problem, Place place = {}, std::string advice = {});

  ErrorCode code() const noexcept { return code_; }
  const Place& place() const noexcept { return place_; }
  const std::string& problem() const noexcept { return problem_; }  // what is wrong
  const std::string& advice() const noexcept { return advice_; }    // what to do; may be empty
  const char* what() const noexcept override { return text_.c_str(); }

  // Fills the fields of the place that are still unknown; never overwrites a known one.
  void add_place(const Place& more);

 private:
  void compose();

  ErrorCode code_;
  std::string problem_;
  Place place_;
  std::string advice_;
  std::string text_;
};

}  // namespace torchkeep
