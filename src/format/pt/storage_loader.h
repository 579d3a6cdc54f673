// The bytes of the storages of a file of torch.save.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <torchkeep/load.h>
#include <torchkeep/storage.h>

#include "format/pt/archive.h"
#include "format/zip/image.h"
#include "io/memory.h"

namespace torchkeep::pt {

// Gives storages while the pickle is decoded and fills them afterwards, all at once: a file that is
// refused costs no reading of its tensors.
class StorageLoader {
 public:
  // `archive` must outlive the loader; `options` too.
  StorageLoader(const Archive& archive, const LoadOptions& options);

  // The storage of the record `data/<key>`, whose bytes are not there before finish().
  // Throws corrupt if there is no such record or it has not `bytes` bytes; unsupported for untyped
  // bytes of a big-endian machine.
  Storage load(const std::string& key,
               std::optional<DType> dtype,
               const std::string& location,
               std::uint64_t bytes);

  // Reads what has been given out, or verifies it, as the options say. Throws corrupt, io.
  void finish();

 private:
  // A storage that cannot lie in the image of the file.
  struct Converted {
    const zip::Record* record = nullptr;
    Storage storage;
  };

  zip::Image image_of_records();
  bool lies_ready(const zip::Record& record, std::optional<DType> dtype) const;
  Storage load_converted(const zip::Record& record,
                         std::optional<DType> dtype,
                         const std::string& location);
  zip::Checksum checksum() const;

  const Archive& archive_;
  const LoadOptions& options_;
  std::shared_ptr<const void> owner_;  // of the image
  zip::Image image_;
  std::vector<const zip::Record*> in_image_;
  std::vector<Converted> converted_;
};

}  // namespace torchkeep::pt
