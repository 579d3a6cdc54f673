#include "format/pt/storage_loader.h"

#include <algorithm>

#include "base/fail.h"
#include "base/parallel.h"
#include "data/byte_order.h"

namespace torchkeep::pt {
namespace {

constexpr std::string_view kDataFolder = "data/";
// PyTorch aligns storages to that; a buffer keeps it when it begins at such a place of the file.
constexpr std::uint64_t kAlignment = 64;

Place at_record(const zip::Record& record) {
  Place place;
  place.record = record.name;
  return place;
}

}  // namespace

StorageLoader::StorageLoader(const Archive& archive, const LoadOptions& options)
    : archive_(archive), options_(options), image_(image_of_records()) {}

zip::Image StorageLoader::image_of_records() {
  if (options_.access == Access::map) {
    const auto mapped = std::make_shared<const io::MappedFile>(archive_.reader().file());
    owner_ = mapped;
    return {0, mapped->bytes()};
  }
  std::uint64_t begin = UINT64_MAX;
  std::uint64_t end = 0;
  for (const zip::Record& record : archive_.reader().records()) {
    if (record.method != zip::Method::stored || record.bytes == 0) continue;
    const std::size_t folder = record.name.find('/') + 1;
    if (!std::string_view(record.name).substr(folder).starts_with(kDataFolder)) continue;
    begin = std::min(begin, record.data_offset / kAlignment * kAlignment);
    end = std::max(end, record.data_end());
  }
  if (end == 0) return {};
  const auto buffer = std::make_shared<const io::HugeBuffer>(end - begin);
  owner_ = buffer;
  return {begin, buffer->bytes()};
}

bool StorageLoader::lies_ready(const zip::Record& record, std::optional<DType> dtype) const {
  // An untyped storage may be viewed as any type.
  const std::size_t alignment = dtype ? number_bytes(*dtype) : sizeof(double);
  return record.method == zip::Method::stored && archive_.byte_order() == ByteOrder::little &&
         record.data_offset % alignment == 0;
}

Storage StorageLoader::load(const std::string& key,
                            std::optional<DType> dtype,
                            const std::string& location,
                            std::uint64_t bytes) {
  const zip::Record& record = archive_.at(std::string(kDataFolder) + key);
  if (record.bytes != bytes) {
    fail_at(ErrorCode::corrupt, at_record(record), "",
            "the record has another size than its storage (expected {} bytes, got {})", bytes,
            record.bytes);
  }
  if (bytes == 0) return Storage(nullptr, 0, nullptr, dtype, location);
  if (!lies_ready(record, dtype)) return load_converted(record, dtype, location);
  in_image_.push_back(&record);
  std::byte* data =
      image_.memory.subspan(static_cast<std::size_t>(record.data_offset - image_.begin)).data();
  return Storage(data, bytes, owner_, dtype, location);
}

Storage StorageLoader::load_converted(const zip::Record& record,
                                      std::optional<DType> dtype,
                                      const std::string& location) {
  if (archive_.byte_order() == ByteOrder::big && !dtype) {
    fail_at(ErrorCode::unsupported, at_record(record), "save it again on a little-endian machine",
            "holds untyped bytes of a big-endian machine");
  }
  auto memory = std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(record.bytes));
  std::byte* data = memory->data();
  converted_.push_back({&record, Storage(data, record.bytes, std::move(memory), dtype, location)});
  return converted_.back().storage;
}

zip::Checksum StorageLoader::checksum() const {
  return options_.verify == Verify::nothing ? zip::Checksum::ignore : zip::Checksum::verify;
}

void StorageLoader::finish() {
  const int threads = effective_threads(options_.threads);
  const zip::Reader& reader = archive_.reader();
  if (options_.access == Access::read) {
    zip::read_records(reader.file(), in_image_, image_, threads, checksum());
  } else if (options_.verify == Verify::everything) {
    zip::verify_records(in_image_, image_, threads);
  }
  parallel_for(converted_.size(), threads, [&](std::size_t i) {
    const auto& [record, storage] = converted_[i];
    reader.read(*record, storage.mutable_bytes(), checksum());
    if (archive_.byte_order() == ByteOrder::big) {
      swap_byte_order(storage.mutable_bytes(), *storage.dtype());
    }
  });
}

}  // namespace torchkeep::pt
