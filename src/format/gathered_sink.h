// Few large pieces instead of many small ones.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "format/format.h"

namespace torchkeep {

// Gathers small pieces before it hands them to the sink, which must outlive it; large ones go there
// from where they lie. Not synchronised.
class GatheredSink {
 public:
  explicit GatheredSink(const Sink& sink) : sink_(sink) {}

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  // Hands over what has been gathered. To be called at the end.
  void flush();

 private:
  const Sink& sink_;
  std::string pending_;
};

}  // namespace torchkeep
