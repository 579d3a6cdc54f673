#include "hub/http.h"

#include <array>
#include <exception>
#include <memory>

#include <curl/curl.h>
#include <fmt/format.h>

namespace torchkeep::hub {

namespace http_detail {

constexpr long kConnectSeconds = 30;
constexpr long kMostRedirects = 10;
constexpr long kOk = 200;
constexpr long kPartialContent = 206;
constexpr long kRangeNotSatisfiable = 416;
constexpr long kTooManyRequests = 429;
constexpr long kServerError = 500;

struct Transfer {
  const HttpRequest& request;
  CURL* handle;
  bool has_begun = false;
  std::uint64_t offset = 0;  // of the first byte that came
  std::exception_ptr problem = nullptr;

  long status() const {
    long code = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &code);
    return code;
  }

  void begin() {
    has_begun = true;
    offset = status() == kPartialContent ? request.offset : 0;
    if (request.begin) request.begin(offset);
  }
};

// Nothing may be thrown through the library: what happened is kept and thrown behind it.
template <class Action>
bool succeeds(Transfer& transfer, Action action) {
  try {
    action();
    return true;
  } catch (...) {
    transfer.problem = std::current_exception();
    return false;
  }
}

std::size_t on_data(char* data, std::size_t, std::size_t bytes, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  const bool ok = succeeds(transfer, [&] {
    if (!transfer.has_begun) transfer.begin();
    transfer.request.receive(std::as_bytes(std::span(data, bytes)));
  });
  return ok ? bytes : 0;
}

int on_progress(void* context, curl_off_t total, curl_off_t done, curl_off_t, curl_off_t) {
  auto& transfer = *static_cast<Transfer*>(context);
  if (!transfer.has_begun || !transfer.request.progress || total <= 0) return 0;
  const bool ok = succeeds(transfer, [&] {
    transfer.request.progress(transfer.offset + static_cast<std::uint64_t>(done),
                              transfer.offset + static_cast<std::uint64_t>(total));
  });
  return ok ? 0 : 1;
}

void configure(CURL* handle, Transfer& transfer, char* message) {
  const HttpRequest& request = transfer.request;
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(handle, CURLOPT_MAXREDIRS, kMostRedirects);
  curl_easy_setopt(handle, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME,
                   static_cast<long>(request.stall_timeout.count()));
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "torchkeep");
  curl_easy_setopt(handle, CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(request.offset));
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, message);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_data);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &transfer);
}

HttpResult::Outcome outcome_of(CURLcode code, long status) {
  using Outcome = HttpResult::Outcome;
  switch (code) {
    case CURLE_OK:
      return Outcome::complete;
    case CURLE_HTTP_RETURNED_ERROR:
      if (status == kRangeNotSatisfiable) return Outcome::out_of_range;
      return status >= kServerError || status == kTooManyRequests ? Outcome::interrupted
                                                                  : Outcome::refused;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_PEER_FAILED_VERIFICATION:
      return Outcome::refused;
    // The server sent the whole file although it was asked for a part: begin anew.
    case CURLE_RANGE_ERROR:
      return Outcome::out_of_range;
    default:
      return Outcome::interrupted;
  }
}

void initialise_library() {
  static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(once);
}

}  // namespace http_detail

HttpResult http_get(const HttpRequest& request) {
  http_detail::initialise_library();
  const std::unique_ptr<CURL, void (*)(CURL*)> handle(curl_easy_init(), curl_easy_cleanup);
  if (!handle) {
    return {HttpResult::Outcome::refused, "the HTTP library does not start"};
  }
  std::array<char, CURL_ERROR_SIZE> message = {};
  http_detail::Transfer transfer = {.request = request, .handle = handle.get()};
  http_detail::configure(handle.get(), transfer, message.data());
  const CURLcode code = curl_easy_perform(handle.get());
  if (transfer.problem) std::rethrow_exception(transfer.problem);
  const HttpResult::Outcome outcome = http_detail::outcome_of(code, transfer.status());
  if (outcome == HttpResult::Outcome::complete) {
    if (!transfer.has_begun) transfer.begin();  // an empty file
    return {};
  }
  return {outcome, message[0] != '\0' ? std::string(message.data()) : curl_easy_strerror(code)};
}

}  // namespace torchkeep::hub
