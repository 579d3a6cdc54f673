#include "format/zip/check_contents.h"

#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/parallel.h"
#include "base/progress_counter.h"
#include "format/zip/segments.h"
#include "io/checksum.h"
#include "io/memory.h"

namespace torchkeep::zip {
namespace {

// Memory for pieces, one for each thread that works.
class Buffers {
 public:
  using Buffer = std::unique_ptr<io::HugeBuffer>;

  Buffer take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return std::make_unique<io::HugeBuffer>(kPieceBytes);
    Buffer buffer = std::move(free_.back());
    free_.pop_back();
    return buffer;
  }
  void give_back(Buffer buffer) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(buffer));
  }

 private:
  std::mutex mutex_;
  std::vector<Buffer> free_;
};

class Checker {
 public:
  Checker(const io::InputFile& file, const Salvage& archive, const ContentCheck& check)
      : file_(file), archive_(archive), check_(check), results_(archive.records.size()) {}

  std::vector<std::optional<bool>> run() {
    choose();
    const int threads = effective_threads(check_.threads);
    ProgressCounter progress(check_.progress, total_);
    check_stored(threads, progress);
    parallel_for(deflated_.size(), threads, [&](std::size_t i) {
      const Salvaged& salvaged = archive_.records[deflated_[i]];
      const Content content =
          content_of(check_.mapped, salvaged.record, check_.limits.max_inflated_bytes);
      const bool is_right = content.is_whole && content.bytes.size() == salvaged.record.bytes &&
                            matches_checksum(salvaged, io::crc32(content.bytes)) != false;
      if (!is_right || !salvaged.checksums.empty()) answer(deflated_[i], is_right);
      progress.add(salvaged.record.stored_bytes);
    });
    return std::move(results_);
  }

 private:
  // Records that overlap could make a small file ask for much: no more than four times its size.
  void choose() {
    std::uint64_t left = file_.size() * 4;
    std::uint64_t inflated_left = check_.limits.max_inflated_bytes;
    for (std::size_t i = 0; i < archive_.records.size(); ++i) {
      const Salvaged& salvaged = archive_.records[i];
      const Record& record = salvaged.record;
      if (!salvaged.is_complete || !salvaged.size_is_known) continue;
      if (record.stored_bytes > left) continue;
      if (record.method == Method::deflated && record.bytes <= inflated_left) {
        inflated_left -= record.bytes;
        deflated_.push_back(i);
      } else if (record.method == Method::stored && !salvaged.checksums.empty()) {
        stored_.push_back(&record);
        index_.emplace(&record, i);
      } else {
        continue;
      }
      left -= record.stored_bytes;
      total_ += record.stored_bytes;
    }
  }

  void check_stored(int threads, ProgressCounter& progress) {
    std::vector<Segment> segments = cut_into_segments(std::move(stored_));
    Buffers buffers;
    for_each_piece(segments, threads, [&](Piece piece) {
      Buffers::Buffer buffer = buffers.take();
      const std::uint64_t begin = piece.front().begin;
      const std::span<std::byte> bytes =
          buffer->bytes().first(static_cast<std::size_t>(piece.back().end - begin));
      file_.read(begin, bytes);
      for (Segment& segment : piece) {
        segment.crc32 =
            io::crc32(bytes.subspan(static_cast<std::size_t>(segment.begin - begin),
                                    static_cast<std::size_t>(segment.end - segment.begin)));
        progress.add(segment.end - segment.begin);
      }
      buffers.give_back(std::move(buffer));
    });
    for_each_checksum(segments, [&](const Record& record, std::uint32_t crc32) {
      const std::size_t index = index_.at(&record);
      results_[index] = matches_checksum(archive_.records[index], crc32);
    });
  }

  void answer(std::size_t index, bool is_right) {
    const std::lock_guard lock(mutex_);
    results_[index] = is_right;
  }

  const io::InputFile& file_;
  const Salvage& archive_;
  const ContentCheck& check_;
  std::vector<const Record*> stored_;
  std::vector<std::size_t> deflated_;
  std::unordered_map<const Record*, std::size_t> index_;
  std::uint64_t total_ = 0;
  std::mutex mutex_;
  std::vector<std::optional<bool>> results_;
};

}  // namespace

std::vector<std::optional<bool>> check_contents(const io::InputFile& file,
                                                const Salvage& archive,
                                                const ContentCheck& check) {
  return Checker(file, archive, check).run();
}

}  // namespace torchkeep::zip
