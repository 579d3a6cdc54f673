// Finding the pickles in bytes of any kind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <torchkeep/limits.h>
#include <torchkeep/scan.h>

#include "format/pickle/globals.h"

namespace torchkeep::inspection {

// Follows pickles wherever they lie, containers inside of containers included, and adds what it
// finds to a report. Nothing that the bytes hold makes it throw.
class ContentScanner {
 public:
  // Both must outlive the scanner.
  ContentScanner(const ScanOptions& options, ScanReport& report)
      : options_(options), report_(report) {}

  // `bytes` must stay until the call returns. Sets the report's format where it is still empty.
  // `is_checked`: its archive, if it is one, was found to be in order by the strict reader.
  enum class Archive { checked, unchecked };
  void scan(std::span<const std::byte> bytes, Archive archive);

 private:
  struct Content {
    std::span<const std::byte> bytes;
    std::shared_ptr<const void> owner;  // null: the caller's
    std::string record;
    int depth = 0;
    Archive archive = Archive::unchecked;
  };

  void scan(const Content& content);
  bool scan_container(const Content& content);
  void scan_archive(const Content& content);
  void scan_tar(const Content& content);
  void scan_compressed(const Content& content);
  bool scan_array(const Content& content);
  bool scan_pickles(const Content& content);
  std::size_t follow(const Content& content, std::size_t offset, bool& is_complete);
  void search_patterns(const Content& content, std::size_t offset);

  void add_later(Content content);
  void add_uses(const Content& content, std::size_t offset, const pickle::Globals& globals);
  void add_global(const Content& content, std::size_t offset, const pickle::GlobalUse& use);
  void add_suspicion(const Content& content,
                     std::optional<std::uint64_t> offset,
                     std::string problem);
  bool is_allowed(std::string_view name) const;
  void set_format(const Content& content, std::string_view format);

  const ScanOptions& options_;
  ScanReport& report_;
  std::deque<Content> waiting_;
  std::uint64_t bytes_left_ = 0;  // that may still be followed
};

}  // namespace torchkeep::inspection
