#include <cstdlib>
#include <optional>
#include <thread>

#include <torchkeep/hub.h>

#include "base/fail.h"
#include "hub/http.h"
#include "hub/partial_file.h"
#include "io/checksum.h"
#include "io/input_file.h"

namespace torchkeep {

namespace fetch_detail {

namespace fs = std::filesystem;

constexpr const char* kPublished = "https://download.pytorch.org/models";
constexpr std::chrono::milliseconds kPause(300);  // between attempts

std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  if (!value || *value == '\0') return std::nullopt;
  return value;
}

fs::path home() {
  if (const auto home = environment("HOME")) return *home;
  fail(ErrorCode::invalid_argument,
       "the environment variable HOME is not set; set it or TORCH_HOME");
}

// As Python's os.path.expanduser, for one's own home.
fs::path with_home(const std::string& path) {
  if (path == "~") return home();
  return path.starts_with("~/") ? home() / path.substr(2) : fs::path(path);
}

bool is_online(DownloadOptions::Network network) {
  if (network != DownloadOptions::Network::automatic) {
    return network == DownloadOptions::Network::on;
  }
  return environment("TORCHKEEP_OFFLINE").value_or("0") == "0";
}

std::string sha256_of_file(const fs::path& path) {
  const io::InputFile file(path);
  io::Sha256 hash;
  std::vector<std::byte> buffer(std::size_t{1} << 20);
  for (std::uint64_t offset = 0; offset < file.size();) {
    const auto bytes = std::min<std::uint64_t>(buffer.size(), file.size() - offset);
    const std::span<std::byte> part(buffer.data(), static_cast<std::size_t>(bytes));
    file.read(offset, part);
    hash.update(part);
    offset += bytes;
  }
  return hash.hex_digest();
}

bool is_whole(const fs::path& path, const std::string& sha256_prefix) {
  std::error_code error;
  if (!fs::exists(path, error)) return false;
  return sha256_prefix.empty() || sha256_of_file(path).starts_with(sha256_prefix);
}

[[noreturn]] void fail_offline(const std::string& url, const fs::path& target) {
  const std::string advice = fmt::format("put {} there, or allow the network", url);
  std::error_code error;
  if (fs::exists(target, error)) {
    fail_at(ErrorCode::corrupt, {.path = target.string()}, advice,
            "the file is damaged: its SHA-256 is not that in its name, and the network is off");
  }
  fail_at(ErrorCode::not_found, {.path = target.string()}, advice,
          "the file is not in the cache, and the network is off");
}

// One download: attempts until the partial file is whole.
class Download {
 public:
  Download(const std::string& url,
           const std::string& sha256_prefix,
           const DownloadOptions& options,
           hub::PartialFile& partial)
      : url_(url), sha256_prefix_(sha256_prefix), options_(options), partial_(partial) {
    // What cannot be verified is not continued.
    if (sha256_prefix.empty()) partial_.truncate(0);
  }

  void run(const fs::path& target) {
    using Outcome = hub::HttpResult::Outcome;
    std::string message;
    for (int fruitless = 0; fruitless < std::max(1, options_.attempts);) {
      const std::uint64_t before = partial_.size();
      const hub::HttpResult result = attempt();
      const bool starts_at_0 = before == 0;
      if (result.outcome == Outcome::refused ||
          (result.outcome == Outcome::out_of_range && starts_at_0)) {
        fail_refused(target, result.message);
      }
      message = result.message.empty() ? "the parts that came do not fit together" : result.message;
      if (result.outcome == Outcome::interrupted) {
        if (partial_.size() > before) continue;
        std::this_thread::sleep_for(kPause * ++fruitless);
        continue;
      }
      if (is_whole(partial_.path(), sha256_prefix_)) {
        partial_.commit();
        return;
      }
      if (starts_at_0) fail_wrong(target);
      // The part that was there may be that of another file, or the server sends only whole files.
      partial_.truncate(0);
      ++fruitless;
    }
    fail_at(ErrorCode::io, {.path = target.string()},
            fmt::format("try again: the {} bytes that came are kept", partial_.size()),
            "cannot download {}: {}", url_, message);
  }

 private:
  hub::HttpResult attempt() {
    return hub::http_get(
        {.url = url_,
         .offset = partial_.size(),
         .stall_timeout = options_.stall_timeout,
         .begin = [this](std::uint64_t offset) { partial_.truncate(offset); },
         .receive = [this](std::span<const std::byte> bytes) { partial_.append(bytes); },
         .progress = options_.progress});
  }

  [[noreturn]] void fail_wrong(const fs::path& target) {
    const std::string digest = sha256_of_file(partial_.path());
    partial_.remove();
    fail_at(ErrorCode::corrupt, {.path = target.string()}, "",
            "{} is not the file that was published: its SHA-256 is {} (expected {}...)", url_,
            digest, sha256_prefix_);
  }

  [[noreturn]] void fail_refused(const fs::path& target, const std::string& message) {
    if (partial_.size() == 0) partial_.remove();
    fail_at(ErrorCode::io, {.path = target.string()}, "", "cannot download {}: {}", url_, message);
  }

  const std::string& url_;
  const std::string& sha256_prefix_;
  const DownloadOptions& options_;
  hub::PartialFile& partial_;
};

}  // namespace fetch_detail

std::filesystem::path weights_directory() {
  namespace detail = fetch_detail;
  const auto below = [](const std::filesystem::path& torch_home) {
    return torch_home / "hub" / "checkpoints";
  };
  if (const auto torch_home = detail::environment("TORCH_HOME")) {
    return below(detail::with_home(*torch_home));
  }
  if (const auto cache = detail::environment("XDG_CACHE_HOME")) {
    return below(detail::with_home(*cache) / "torch");
  }
  return below(detail::home() / ".cache" / "torch");
}

void fetch_file(const std::string& url,
                const std::filesystem::path& target,
                const std::string& sha256_prefix,
                const DownloadOptions& options) {
  namespace detail = fetch_detail;
  if (detail::is_whole(target, sha256_prefix)) return;
  if (!detail::is_online(options.network)) detail::fail_offline(url, target);
  hub::PartialFile partial(target);
  // Another process may have finished it while this one waited.
  if (detail::is_whole(target, sha256_prefix)) {
    partial.remove();
    return;
  }
  detail::Download(url, sha256_prefix, options, partial).run(target);
}

std::filesystem::path fetch_weights(const PublishedWeights& weights,
                                    const DownloadOptions& options) {
  const std::filesystem::path target = weights_directory() / weights.file;
  const std::string base =
      fetch_detail::environment("TORCHKEEP_WEIGHTS_URL").value_or(fetch_detail::kPublished);
  fetch_file(fmt::format("{}/{}", base, weights.file), target, weights.sha256_prefix(), options);
  return target;
}

}  // namespace torchkeep
