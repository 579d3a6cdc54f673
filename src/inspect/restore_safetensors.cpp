#include "inspect/restore_safetensors.h"

#include <algorithm>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>
#include <sys/mman.h>
#include <unistd.h>

#include "base/byte_reader.h"
#include "base/fail.h"
#include "format/safetensors/header.h"
#include "format/safetensors/read.h"
#include "io/system_error.h"

namespace torchkeep::inspection {
namespace {

using Condition = RestoredTensor::Condition;

// The file with zeros for the bytes that it lacks, in memory, under a path.
class CompletedFile {
 public:
  CompletedFile(const io::InputFile& file, std::uint64_t size)
      : descriptor_(::memfd_create("torchkeep", MFD_CLOEXEC)) {
    if (descriptor_ < 0) io::throw_system_error(file.path(), "make a copy in memory of");
    try {
      copy(file);
      if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) {
        fail(ErrorCode::corrupt, "the header asks for {} bytes", size);
      }
    } catch (...) {
      ::close(descriptor_);
      throw;
    }
  }
  ~CompletedFile() { ::close(descriptor_); }
  CompletedFile(const CompletedFile&) = delete;
  CompletedFile& operator=(const CompletedFile&) = delete;

  std::string path() const { return fmt::format("/proc/self/fd/{}", descriptor_); }

 private:
  void copy(const io::InputFile& file) const {
    constexpr std::uint64_t kPieceBytes = std::uint64_t{4} << 20;
    std::vector<std::byte> piece;
    for (std::uint64_t done = 0; done < file.size(); done += piece.size()) {
      piece.resize(static_cast<std::size_t>(std::min(kPieceBytes, file.size() - done)));
      file.read(done, piece);
      for (std::span<const std::byte> left = piece; !left.empty();) {
        const ssize_t written =
            io::retry_interrupted([&] { return ::write(descriptor_, left.data(), left.size()); });
        if (written <= 0) io::throw_system_error(file.path(), "copy");
        left = left.subspan(static_cast<std::size_t>(written));
      }
    }
  }

  int descriptor_;
};

// How many bytes of data the header describes.
std::uint64_t described_bytes(const std::string& header) {
  const nlohmann::json json = nlohmann::json::parse(header, nullptr, false);
  if (!json.is_object()) fail(ErrorCode::corrupt, "the header is no JSON object");
  std::uint64_t bytes = 0;
  for (const auto& [name, entry] : json.get_ref<const nlohmann::json::object_t&>()) {
    const auto offsets = entry.is_object() ? entry.find("data_offsets") : entry.end();
    if (offsets == entry.end() || !offsets->is_array() || offsets->size() != 2) continue;
    if ((*offsets)[1].is_number_unsigned())
      bytes = std::max(bytes, (*offsets)[1].get<std::uint64_t>());
  }
  return bytes;
}

std::string read_header(const io::InputFile& file) {
  std::string text(safetensors::kLengthBytes, '\0');
  file.read(0, std::as_writable_bytes(std::span(text)));
  const std::uint64_t bytes = ByteReader(std::as_bytes(std::span(text))).u64();
  if (bytes > safetensors::kMostHeaderBytes || bytes > file.size() - text.size()) {
    fail(ErrorCode::corrupt, "the file ends inside of the header");
  }
  text.resize(static_cast<std::size_t>(bytes));
  file.read(safetensors::kLengthBytes, std::as_writable_bytes(std::span(text)));
  return text;
}

StorageState state_of(const safetensors::TensorEntry& entry, std::uint64_t data_bytes) {
  const std::uint64_t size = entry.end - entry.begin;
  if (data_bytes <= entry.begin) {
    return {size, Condition::lost, 0, "the file ends before the tensor"};
  }
  const std::uint64_t available = std::min(size, data_bytes - entry.begin);
  return {size, Condition::unverified, available,
          available < size ? fmt::format("the file has {} of its {} bytes", available, size)
                           : "there is no checksum for its bytes"};
}

void restore(const Probe& probe, const RepairOptions& options, Restored& restored) {
  const std::string text = read_header(*probe.file());
  const std::uint64_t data_offset = safetensors::kLengthBytes + text.size();
  const std::uint64_t expected = described_bytes(text);
  if (expected > UINT64_MAX / 4) fail(ErrorCode::corrupt, "the header asks for {} bytes", expected);
  const safetensors::Header header = safetensors::parse_header(text, expected);
  if (probe.file()->size() > data_offset + expected) {
    restored.notes.push_back(fmt::format("{} bytes behind the tensors are left out",
                                         probe.file()->size() - data_offset - expected));
  }
  const CompletedFile completed(*probe.file(), data_offset + expected);
  const Probe whole(completed.path(), options.limits);
  LoadOptions load_options;
  load_options.access = Access::map;
  load_options.limits = options.limits;
  restored.value = safetensors::read(whole, load_options).value;
  restored.has_value = true;
  const std::uint64_t data_bytes = probe.file()->size() - data_offset;
  for (const safetensors::TensorEntry& entry : header.tensors) {
    const Value* tensor = restored.value.find(entry.name);
    if (tensor == nullptr || entry.begin == entry.end) continue;
    restored.storages[tensor->as_tensor().storage().bytes().data()] = state_of(entry, data_bytes);
  }
}

}  // namespace

Restored restore_safetensors(const Probe& probe, const RepairOptions& options) {
  Restored restored;
  try {
    restore(probe, options, restored);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::io || error.code() == ErrorCode::unsupported) throw;
    restored.has_value = false;
    restored.notes.push_back("the header cannot be read: " + error.problem());
  }
  return restored;
}

}  // namespace torchkeep::inspection
