#include "format/tar/archive.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "base/fail.h"
#include "format/tar/header.h"
#include "format/zip/record.h"
#include "io/window.h"

namespace torchkeep::tar {
namespace {

constexpr std::uint64_t kMostNameBytes = std::uint64_t{64} << 10;  // of a header's own content

std::uint64_t padded(std::uint64_t bytes) {
  return (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
}

// Goes from header to header. Long names and PAX headers are applied to the member behind them.
class Walk {
 public:
  explicit Walk(const io::Section& file) : window_(file), size_(file.size()) {}

  // Nothing at the end. The content of a directory is nothing.
  std::optional<Member> next() {
    Pax pending;
    bool has_pending = false;
    while (true) {
      const std::uint64_t begin = position_;
      std::optional<Header> header = next_header();
      if (!header) {
        if (has_pending) fail(ErrorCode::corrupt, "the archive ends behind the name of a member");
        return std::nullopt;
      }
      try {
        if (!apply_to_next(*header, pending)) return take_member(std::move(*header), pending);
        has_pending = header->type != Type::pax_for_all;
      } catch (Error& error) {
        error.add_place({.byte_offset = begin});
        throw;
      }
    }
  }

 private:
  // Nothing for the end of the archive, and where the file ends without one.
  std::optional<Header> next_header() {
    if (position_ == size_) return std::nullopt;
    const std::uint64_t begin = position_;
    try {
      const std::span<const std::byte> block = take(kBlockBytes);
      return decode_header(block);
    } catch (Error& error) {
      error.add_place({.byte_offset = begin});
      throw;
    }
  }

  // False for a member of its own.
  bool apply_to_next(const Header& header, Pax& pending) {
    switch (header.type) {
      case Type::pax: {
        const Pax pax = decode_pax(take_text(header));
        if (pax.name) pending.name = pax.name;
        if (pax.bytes) pending.bytes = pax.bytes;
        return true;
      }
      case Type::pax_for_all: {
        const Pax pax = decode_pax(take_text(header));
        if (pax.name || pax.bytes) {
          fail(ErrorCode::unsafe, "a PAX header gives all members one name or size");
        }
        return true;
      }
      case Type::gnu_long_name: {
        const std::string text = take_text(header);
        pending.name = text.substr(0, text.find('\0'));
        return true;
      }
      default:
        return false;
    }
  }

  Member take_member(Header header, const Pax& pending) {
    Member member = {pending.name.value_or(std::move(header.name)), position_,
                     pending.bytes.value_or(header.bytes)};
    if (header.type == Type::directory) {
      member.bytes = 0;
      if (member.name.ends_with('/')) member.name.pop_back();
    }
    zip::check_record_name(member.name);
    if (member.bytes > size_ - position_) {
      fail_at(ErrorCode::corrupt, {}, "the file may be truncated",
              "the member {} is longer than the file (expected {} bytes, got {})", member.name,
              member.bytes, size_ - position_);
    }
    // The last member may lack its padding.
    position_ += std::min(padded(member.bytes), size_ - position_);
    return member;
  }

  std::string take_text(const Header& header) {
    if (header.bytes > kMostNameBytes) {
      fail(ErrorCode::unsafe,
           "the name of a member is too long (expected at most {} bytes, got {})", kMostNameBytes,
           header.bytes);
    }
    const std::span<const std::byte> bytes =
        take(padded(header.bytes)).first(static_cast<std::size_t>(header.bytes));
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  std::span<const std::byte> take(std::uint64_t count) {
    if (count > size_ - position_) {
      fail_at(ErrorCode::corrupt, {}, "the file may be truncated",
              "the archive ends in the middle of a header");
    }
    const std::span<const std::byte> bytes =
        window_.view(position_, static_cast<std::size_t>(count));
    position_ += count;
    return bytes;
  }

  io::Window window_;
  std::uint64_t size_;
  std::uint64_t position_ = 0;
};

}  // namespace

Archive::Archive(io::Section file, const Limits& limits) : file_(std::move(file)) {
  Walk walk(file_);
  std::set<std::string> names;
  while (std::optional<Member> member = walk.next()) {
    if (!names.insert(member->name).second) {
      fail(ErrorCode::corrupt, "two members have the name {}", member->name);
    }
    members_.push_back(std::move(*member));
    if (members_.size() > limits.max_records) {
      fail_at(ErrorCode::unsafe, {}, "raise the limit if you trust the file",
              "more than {} members (Limits::max_records)", limits.max_records);
    }
  }
}

io::Section Archive::content(std::string_view name) const {
  const auto found = std::ranges::find(members_, name, &Member::name);
  if (found == members_.end()) fail(ErrorCode::corrupt, "the archive has no member {}", name);
  return file_.part(found->offset, found->bytes);
}

std::string first_name(const io::Section& file) {
  try {
    const std::optional<Member> first = Walk(file).next();
    return first ? first->name : std::string();
  } catch (const Error&) {
    return {};
  }
}

}  // namespace torchkeep::tar
