// The members of an uncompressed tar archive (ustar, with GNU's and PAX's additions).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <torchkeep/limits.h>

#include "io/section.h"

namespace torchkeep::tar {

struct Member {
  std::string name;
  std::uint64_t offset = 0;  // of its content
  std::uint64_t bytes = 0;
};

// Nothing is extracted: members are read where they lie.
class Archive {
 public:
  // Reads all headers. Throws corrupt for headers that contradict themselves or the size of the
  // file, for two members of one name; unsafe for links, devices and unsafe names; unsupported for
  // sparse members; io.
  Archive(io::Section file, const Limits& limits);

  const std::vector<Member>& members() const { return members_; }
  // The content of a member. Throws corrupt if there is none.
  io::Section content(std::string_view name) const;

 private:
  io::Section file_;
  std::vector<Member> members_;
};

// The name of the first member; empty if the file does not begin as an archive.
std::string first_name(const io::Section& file);

}  // namespace torchkeep::tar
