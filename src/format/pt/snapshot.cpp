#include "format/pt/snapshot.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>
#include <vector>

#include "base/fail.h"
#include "base/parallel.h"
#include "format/pickle/decode.h"
#include "format/pickle/encode.h"
#include "format/pt/storage_ranges.h"
#include "format/pt/tensor_codec.h"

namespace torchkeep::pt {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kPieceBytes = std::size_t{4} << 20;

// Memory of a cache that goes back when nobody refers to it any more.
std::shared_ptr<std::byte> take_block(std::shared_ptr<io::BlockCache> memory, std::size_t bytes) {
  void* const block = memory->take(bytes);
  return {static_cast<std::byte*>(block),
          [memory = std::move(memory)](std::byte* taken) { memory->give_back(taken); }};
}

struct Piece {
  std::byte* to;
  const std::byte* from;
  std::size_t bytes;
};

// Copies storages into one block and gives them out by their keys, which are their numbers.
class Copies {
 public:
  Copies(const std::vector<Storage>& originals,
         std::shared_ptr<io::BlockCache> memory,
         int threads) {
    std::size_t total = 0;
    for (const Storage& original : originals) {
      offsets_.push_back(total);
      total += (static_cast<std::size_t>(original.size_bytes()) + kAlignment - 1) / kAlignment *
               kAlignment;
    }
    block_ = take_block(std::move(memory), total);
    std::vector<Piece> pieces;
    for (std::size_t i = 0; i < originals.size(); ++i) {
      add_pieces(originals[i].bytes(), block_.get() + offsets_[i], pieces);
    }
    parallel_for(pieces.size(), effective_threads(threads), [&](std::size_t i) {
      std::memcpy(pieces[i].to, pieces[i].from, pieces[i].bytes);
    });
  }

  Storage at(const std::string& key,
             std::optional<DType> dtype,
             const std::string& location,
             std::uint64_t bytes) const {
    std::size_t number = 0;
    std::from_chars(key.data(), key.data() + key.size(), number);
    return {block_.get() + offsets_.at(number), bytes, block_, dtype, location};
  }

 private:
  static void add_pieces(std::span<const std::byte> from,
                         std::byte* to,
                         std::vector<Piece>& pieces) {
    while (!from.empty()) {
      const std::size_t bytes = std::min(from.size(), kPieceBytes);
      pieces.push_back({to, from.data(), bytes});
      from = from.subspan(bytes);
      to += bytes;
    }
  }

  std::vector<std::size_t> offsets_;
  std::shared_ptr<std::byte> block_;
};

}  // namespace

// What is not a tensor goes through a pickle: that copies every container, and shares what the
// original shares.
Value snapshot(const Value& value, std::shared_ptr<io::BlockCache> memory, int threads) {
  TensorEncoder encoder(StorageRanges::to_write(value, Storages::compact));
  const std::string encoded = pickle::encode(value, encoder.hooks());
  const Copies copies(encoder.storages(), std::move(memory), threads);
  TensorDecoder decoder(
      [&](const std::string& key, std::optional<DType> dtype, const std::string& location,
          std::uint64_t bytes) { return copies.at(key, dtype, location, bytes); });
  return pickle::decode(std::as_bytes(std::span(encoded)), decoder.hooks()).value;
}

}  // namespace torchkeep::pt
