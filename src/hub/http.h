// Getting a file by HTTP.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace torchkeep::hub {

struct HttpRequest {
  std::string url;
  std::uint64_t offset = 0;  // the bytes before it are not asked for
  std::chrono::seconds stall_timeout = std::chrono::seconds(30);
  // Called once before the first byte, with the offset of that byte: 0 from a server that sends
  // files only whole.
  std::function<void(std::uint64_t offset)> begin;
  std::function<void(std::span<const std::byte> bytes)> receive;
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;  // of the whole file
};

struct HttpResult {
  enum class Outcome {
    complete,
    interrupted,   // by the network or the server: another attempt may help
    out_of_range,  // the file ends before the offset
    refused        // for good
  };
  Outcome outcome = Outcome::complete;
  std::string message = "";  // what went wrong
};

// Follows redirects, to http and https only. What the functions throw ends the transfer and is
// thrown.
HttpResult http_get(const HttpRequest& request);

}  // namespace torchkeep::hub
