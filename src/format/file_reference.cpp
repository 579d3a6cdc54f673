#include "format/file_reference.h"

#include <algorithm>
#include <vector>

#include "base/fail.h"
#include "base/printable.h"
#include "io/checksum.h"
#include "io/input_file.h"
#include "io/system_error.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;
using State = FollowedReference::State;

constexpr std::uint64_t kChunkBytes = std::uint64_t{1} << 20;
constexpr std::size_t kSha256Digits = 64;

std::string sha256_of(const io::InputFile& file) {
  io::Sha256 sha256;
  std::vector<std::byte> chunk;
  for (std::uint64_t done = 0; done < file.size(); done += chunk.size()) {
    chunk.resize(static_cast<std::size_t>(std::min(file.size() - done, kChunkBytes)));
    file.read(done, chunk);
    sha256.update(chunk);
  }
  return sha256.hex_digest();
}

State state_of(const fs::path& path, const FileReference& reference, Comparison comparison) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return State::missing;
  const io::InputFile file(path);
  if (file.size() != reference.bytes) return State::changed;
  if (comparison == Comparison::size) return State::unchanged;
  return sha256_of(file) == reference.sha256 ? State::unchanged : State::changed;
}

bool is_sha256(const std::string& text) {
  return text.size() == kSha256Digits &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

std::string relative_path(const fs::path& file, const fs::path& directory) {
  std::error_code error;
  // Absolute, for a directory that does not exist yet.
  const fs::path from = fs::weakly_canonical(fs::absolute(directory), error);
  if (error) io::throw_system_error(directory, "find", error.value());
  const fs::path target = fs::canonical(file, error);
  if (error) io::throw_system_error(file, "find", error.value());
  return target.lexically_proximate(from).string();
}

FileReference refer_to(const fs::path& file, const fs::path& directory) {
  const io::InputFile input(file);
  return {
      .path = relative_path(file, directory), .bytes = input.size(), .sha256 = sha256_of(input)};
}

Value to_value(const FileReference& reference) {
  return dict({{"path", reference.path}, {"bytes", reference.bytes}, {"sha256", reference.sha256}});
}

FileReference file_reference_from_value(const Value& value) {
  FileReference reference{.path = value["path"].as_string(),
                          .bytes = static_cast<std::uint64_t>(value["bytes"].as_int()),
                          .sha256 = value["sha256"].as_string()};
  const bool has_name =
      fs::path(reference.path).has_filename() && reference.path.find('\0') == std::string::npos;
  if (!has_name || fs::path(reference.path).is_absolute()) {
    fail(ErrorCode::corrupt, "\"{}\" is no relative path of a file", printable(reference.path));
  }
  if (!is_sha256(reference.sha256)) {
    fail(ErrorCode::corrupt, "\"{}\" is no SHA-256 (expected 64 hexadecimal digits)",
         printable(reference.sha256));
  }
  return reference;
}

FollowedReference follow(const FileReference& reference,
                         const fs::path& directory,
                         Comparison comparison) {
  const fs::path path = (directory / reference.path).lexically_normal();
  const State state = state_of(path, reference, comparison);
  if (state == State::unchanged) return {path, state};
  for (const fs::path& other :
       {directory / fs::path(reference.path).filename(),
        (fs::absolute(directory) / ".." / reference.path).lexically_normal()}) {
    if (state_of(other, reference, Comparison::sha256) == State::unchanged) {
      return {other, State::unchanged};
    }
  }
  return {path, state};
}

}  // namespace torchkeep
