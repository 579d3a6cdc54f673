#include <utility>

#include <torchkeep/error.h>

#include <fmt/format.h>

namespace torchkeep {

std::string_view name(ErrorCode code) {
  switch (code) {
    case ErrorCode::io:
      return "io";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::corrupt:
      return "corrupt";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::unsafe:
      return "unsafe";
    case ErrorCode::mismatch:
      return "mismatch";
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::internal:
      return "internal";
  }
  return "unknown";
}

Error::Error(ErrorCode code, std::string problem, Place place, std::string advice)
    : code_(code),
      problem_(std::move(problem)),
      place_(std::move(place)),
      advice_(std::move(advice)) {
  compose();
}

void Error::add_place(const Place& more) {
  if (place_.path.empty()) place_.path = more.path;
  if (place_.record.empty()) place_.record = more.record;
  if (place_.tensor.empty()) place_.tensor = more.tensor;
  if (!place_.byte_offset) place_.byte_offset = more.byte_offset;
  compose();
}

void Error::compose() {
  text_.clear();
  for (const std::string* part : {&place_.path, &place_.record, &place_.tensor}) {
    if (!part->empty()) text_ += *part + ": ";
  }
  if (place_.byte_offset) text_ += fmt::format("byte {}: ", *place_.byte_offset);
  text_ += problem_;
  if (!advice_.empty()) text_ += "; " + advice_;
}

}  // namespace torchkeep
