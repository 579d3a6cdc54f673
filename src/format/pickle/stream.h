// Pickles and numbers that stand one after the other, without a frame that says where each ends.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <torchkeep/limits.h>

#include "format/pickle/decode.h"
#include "io/section.h"
#include "io/window.h"

namespace torchkeep::pickle {

// Reads from the front of a section. Errors name the byte of the section. Not synchronised.
class Stream {
 public:
  // `limits` must outlive the stream; they are those of each pickle.
  Stream(const io::Section& section, const Limits& limits);

  std::uint64_t position() const { return position_; }
  std::uint64_t remaining() const { return size_ - position_; }
  void seek(std::uint64_t position) { position_ = position; }

  // Decodes the pickle that begins here and goes on behind it. Only its own bytes are held in
  // memory. Throws as decode().
  Decoded next_pickle(const DecodeHooks& hooks = {});
  // "module.name" of every global of all pickles so far, sorted, each once.
  std::vector<std::string> globals() const { return {globals_.begin(), globals_.end()}; }
  // A little-endian number. Throws corrupt, io.
  std::uint64_t next_u64();
  std::uint32_t next_u32();
  // Goes on behind `count` bytes. Throws corrupt where there are fewer.
  void skip(std::uint64_t count);

 private:
  std::span<const std::byte> next_bytes(std::size_t count);

  io::Window window_;
  const Limits& limits_;
  std::uint64_t size_;
  std::uint64_t position_ = 0;
  std::set<std::string> globals_;
};

}  // namespace torchkeep::pickle
