#include "format/gathered_sink.h"

namespace torchkeep {
namespace {

constexpr std::size_t kSmallBytes = std::size_t{256} << 10;
constexpr std::size_t kMostPendingBytes = std::size_t{1} << 20;

}  // namespace

void GatheredSink::write(std::span<const std::byte> bytes) {
  if (bytes.size() > kSmallBytes || pending_.size() + bytes.size() > kMostPendingBytes) flush();
  if (bytes.size() > kSmallBytes) {
    sink_(bytes);
  } else {
    pending_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
}

void GatheredSink::flush() {
  if (!pending_.empty()) sink_(std::as_bytes(std::span(pending_)));
  pending_.clear();
}

}  // namespace torchkeep
