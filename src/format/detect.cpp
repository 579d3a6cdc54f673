#include <algorithm>
#include <utility>

#include "base/fail.h"
#include "base/printable.h"
#include "base/utf8.h"
#include "format/format.h"

namespace torchkeep {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kHeadBytes = 512;
constexpr std::string_view kZipMagic = "PK\3\4"sv;
constexpr std::string_view kAdvice = "torchkeep reads files of PyTorch, safetensors and NumPy";

bool is_text(std::string_view bytes) {
  // The head may end inside a character.
  while (!bytes.empty() && (static_cast<unsigned char>(bytes.back()) & 0x80) != 0) {
    bytes.remove_suffix(1);
  }
  return is_utf8(bytes) && std::ranges::none_of(bytes, [](char c) {
           return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t';
         });
}

std::string first_words(std::string_view text) {
  constexpr std::size_t kMostBytes = 24;
  return printable(utf8_start(text.substr(0, text.find_first_of("\r\n")), kMostBytes));
}

// A pickle of protocol 2 to 5 outside of any container.
bool is_bare_pickle(std::string_view head) {
  return head.size() > 2 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5;
}

[[noreturn]] void throw_unknown(const Probe& probe) {
  const std::string_view head = probe.head();
  const std::string advice(kAdvice);
  if (probe.is_directory()) {
    fail_at(ErrorCode::invalid_argument, {}, "name a file",
            "is a directory, and no distributed checkpoint (it has no .metadata)");
  }
  if (head.empty()) {
    fail_at(ErrorCode::corrupt, {}, "take another copy of the file", "the file is empty");
  }
  if (probe.archive() != nullptr) {
    fail_at(ErrorCode::unsupported, {}, advice,
            "this is a zip archive, but not one of torch.save: it has no record data.pkl");
  }
  if (is_bare_pickle(head)) {
    fail_at(ErrorCode::unsupported, {}, advice, "this is a bare pickle, not a file of torch.save");
  }
  if (is_text(head)) {
    fail_at(ErrorCode::unsupported, {}, advice, "this is a text file (it begins with \"{}\")",
            first_words(head));
  }
  std::string bytes;
  for (const char c : head.substr(0, 8)) {
    bytes += fmt::format(" {:02x}", static_cast<unsigned char>(c));
  }
  fail_at(ErrorCode::unsupported, {}, advice,
          "the format of this file is unknown (its first bytes are{})", bytes);
}

}  // namespace

Probe::Probe(std::filesystem::path path, const Limits& limits)
    : path_(std::move(path)), limits_(limits) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path_, ignored)) return;
  file_ = std::make_shared<const io::InputFile>(path_);
  head_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(file_->size(), kHeadBytes)));
  file_->read(0, std::as_writable_bytes(std::span(head_)));
}

const zip::Reader* Probe::archive() const {
  if (!head_.starts_with(kZipMagic)) return nullptr;
  if (!archive_) archive_.emplace(file_, limits_);
  return &*archive_;
}

const Format& detect_format(const Probe& probe) {
  const auto found = std::ranges::find_if(
      formats(), [&](const Format& format) { return format.recognises(probe); });
  if (found == formats().end()) throw_unknown(probe);
  return *found;
}

}  // namespace torchkeep
