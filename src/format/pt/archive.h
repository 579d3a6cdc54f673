// The records of a file of torch.save. The layout is in docs/format/pt.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "format/zip/reader.h"

namespace torchkeep::pt {

enum class ByteOrder { little, big };

// Refers to the reader, which must outlive it.
class Archive {
 public:
  // Throws corrupt where records lie outside the one folder that holds all; unsupported for a
  // version of the container that is not known.
  explicit Archive(const zip::Reader& reader);

  const zip::Reader& reader() const { return reader_; }
  std::string root() const { return prefix_.substr(0, prefix_.size() - 1); }
  // The name of one of the archive's records inside the folder.
  std::string_view name_of(const zip::Record& record) const {
    return std::string_view(record.name).substr(prefix_.size());
  }
  // By the name inside the folder; null if there is none.
  const zip::Record* find(std::string_view name) const;
  // Throws corrupt if there is none.
  const zip::Record& at(std::string_view name) const;
  ByteOrder byte_order() const { return byte_order_; }

  // The content of a short record. Throws corrupt for a long one.
  std::string read_text(const zip::Record& record) const;

 private:
  void check_version() const;
  ByteOrder read_byte_order() const;

  const zip::Reader& reader_;
  std::string prefix_;  // the folder with its slash
  ByteOrder byte_order_ = ByteOrder::little;
};

}  // namespace torchkeep::pt
