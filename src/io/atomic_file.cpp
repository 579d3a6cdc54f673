#include "io/atomic_file.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <optional>
#include <regex>
#include <utility>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "io/file_operations.h"
#include "io/input_file.h"
#include "io/system_error.h"

namespace torchkeep::io {
namespace {

namespace fs = std::filesystem;

// The kernel takes a little less than 2 GiB at once.
constexpr std::size_t kMaxWriteBytes = std::size_t{1} << 30;
// Leaves room for the other parts of a temporary name in the 255 bytes of a file name.
constexpr std::size_t kMaxNameBytes = 200;

fs::path directory_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

// The file that is replaced: what a symbolic link points to, also where that is still missing.
fs::path follow_links(fs::path path) {
  constexpr int kMostLinks = 40;  // as the system has it
  std::error_code error;
  for (int i = 0; i < kMostLinks && fs::is_symlink(fs::symlink_status(path, error)); ++i) {
    const fs::path next = fs::read_symlink(path, error);
    if (error) break;
    path = directory_of(path) / next;  // stays `next` if that is absolute
  }
  return path;
}

void check_target(const fs::path& target, const fs::path& destination) {
  if (!target.has_filename()) {
    fail_at(ErrorCode::invalid_argument, at_path(target), "name a file", "is not a file name");
  }
  std::error_code error;
  const fs::file_status directory = fs::status(directory_of(destination), error);
  if (directory.type() == fs::file_type::not_found) {
    fail_at(ErrorCode::invalid_argument, at_path(target), "create it first",
            "the directory {} does not exist", directory_of(destination).string());
  }
  const fs::file_status status = fs::status(destination, error);
  if (fs::is_directory(status)) {
    fail_at(ErrorCode::invalid_argument, at_path(target), "name a file in it", "is a directory");
  }
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    fail_at(ErrorCode::invalid_argument, at_path(target), "name another file",
            "is not a regular file, so it cannot be replaced");
  }
}

// Unique among the threads of all processes that live.
fs::path temporary_name(const fs::path& destination) {
  static std::atomic<unsigned> counter{0};
  const std::string name = destination.filename().string().substr(0, kMaxNameBytes);
  return directory_of(destination) / fmt::format(".{}.{}-{}.tmp", name, getpid(), counter++);
}

// The number of the process in a name that temporary_name() made; nothing for other names.
std::optional<pid_t> process_of_temporary(const std::string& name) {
  static const std::regex pattern(R"(\..+\.([0-9]{1,9})-[0-9]+\.tmp)");
  std::smatch match;
  if (!std::regex_match(name, match, pattern)) return std::nullopt;
  return std::stoi(match[1]);
}

bool is_running(pid_t process) { return kill(process, 0) == 0 || errno != ESRCH; }

}  // namespace

AtomicFile::AtomicFile(fs::path target)
    : target_(std::move(target)), destination_(follow_links(target_)) {
  check_target(target_, destination_);
  create_temporary();
  keep_permissions();
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::create_temporary() {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
  constexpr mode_t kReadWriteForAll = 0666;  // less the process's umask
  do {  // a name can be left over from a dead process with this process's number
    temporary_ = temporary_name(destination_);
    descriptor_ = retry_interrupted(
        [&] { return file_operations().open(temporary_.c_str(), kFlags, kReadWriteForAll); });
  } while (descriptor_ < 0 && errno == EEXIST);
  if (descriptor_ < 0) {
    temporary_.clear();
    throw_system_error(target_, "create a temporary file beside it");
  }
}

void AtomicFile::keep_permissions() const {
  struct stat old = {};
  if (stat(destination_.c_str(), &old) != 0) return;
  // Where the owner differs the system may refuse; the new file then has the usual permissions.
  [[maybe_unused]] const int ignored = fchmod(descriptor_, old.st_mode & 07777);
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = retry_interrupted([&] {
      return file_operations().write(descriptor_, bytes.data(),
                                     std::min(bytes.size(), kMaxWriteBytes));
    });
    if (written < 0) throw_system_error(target_, "write");
    // A regular file that takes nothing is full.
    if (written == 0) throw_system_error(target_, "write", ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    position_ += static_cast<std::uint64_t>(written);
  }
}

void AtomicFile::write(std::string_view text) { write(std::as_bytes(std::span(text))); }

void AtomicFile::commit(Durability durability) {
  if (durability == Durability::synced &&
      retry_interrupted([&] { return file_operations().sync(descriptor_); }) < 0) {
    const int error = errno;
    discard();
    throw_system_error(target_, "sync to the disk", error);
  }
  // An interrupted close has closed the descriptor all the same.
  if (file_operations().close(std::exchange(descriptor_, -1)) < 0 && errno != EINTR) {
    const int error = errno;
    discard();
    throw_system_error(target_, "close", error);
  }
  if (file_operations().rename(temporary_.c_str(), destination_.c_str()) < 0) {
    const int error = errno;
    discard();
    throw_system_error(target_, "rename the finished file to it", error);
  }
  temporary_.clear();
  if (durability == Durability::synced) sync_directory();
}

void AtomicFile::sync_directory() const {
  const fs::path directory = directory_of(destination_);
  const int descriptor = retry_interrupted([&] {
    return file_operations().open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  });
  if (descriptor < 0) throw_system_error(target_, "open its directory to sync it");
  const int result = retry_interrupted([&] { return file_operations().sync(descriptor); });
  const int error = errno;
  file_operations().close(descriptor);
  // Some file systems cannot sync a directory and say so.
  if (result < 0 && error != EINVAL) throw_system_error(target_, "sync its directory", error);
}

void AtomicFile::discard() noexcept {
  if (descriptor_ >= 0) file_operations().close(std::exchange(descriptor_, -1));
  if (!temporary_.empty()) file_operations().remove(temporary_.c_str());
  temporary_.clear();
}

void remove_abandoned_files(const fs::path& directory) {
  std::error_code error;
  for (fs::directory_iterator entry(directory, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    const auto process = process_of_temporary(entry->path().filename().string());
    if (process && !is_running(*process)) file_operations().remove(entry->path().c_str());
  }
}

void write_file(const fs::path& target, std::string_view content, Durability durability) {
  AtomicFile file(target);
  file.write(content);
  file.commit(durability);
}

std::string read_file(const fs::path& path, std::uint64_t max_bytes) {
  const InputFile file(path);
  if (file.size() > max_bytes) {
    fail_at(ErrorCode::unsafe, at_path(path), "", "is too long (expected at most {} bytes, got {})",
            max_bytes, file.size());
  }
  std::string content(static_cast<std::size_t>(file.size()), '\0');
  file.read(0, std::as_writable_bytes(std::span(content)));
  return content;
}

}  // namespace torchkeep::io
