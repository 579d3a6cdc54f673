#include "inspect/verify_archive.h"

#include <algorithm>
#include <utility>

#include "base/byte_reader.h"
#include "base/fail.h"
#include "format/load_file.h"
#include "format/pt/manifest.h"
#include "format/zip/check_contents.h"
#include "format/zip/layout.h"
#include "inspect/tensor_names.h"
#include "io/memory.h"

namespace torchkeep::inspection {
namespace {

using Part = Damage::Part;

std::string_view name_in_root(const zip::Record& record) {
  const std::string_view name = record.name;
  return name.substr(name.find('/') + 1);
}

Part part_of(const zip::Record& record) {
  const std::string_view name = name_in_root(record);
  if (name.ends_with(".pkl")) return Part::pickle;
  const bool is_tensor =
      name.starts_with("data/") || name.starts_with("constants/") || name.ends_with(".npy");
  return is_tensor ? Part::tensor : Part::record;
}

bool is_the_systems(const Error& error) {
  return error.code() == ErrorCode::io || error.code() == ErrorCode::not_found ||
         error.code() == ErrorCode::internal;
}

class ArchiveCheck {
 public:
  ArchiveCheck(const std::filesystem::path& path,
               const VerifyOptions& options,
               VerifyReport& report)
      : path_(path),
        options_(options),
        report_(report),
        file_(std::make_shared<const io::InputFile>(path)),
        mapped_(*file_),
        archive_(zip::salvage(mapped_.bytes(), options.limits)) {}

  void run() {
    names_ = find_tensor_names(mapped_.bytes(), archive_, options_.limits);
    open_strictly();
    check_directory();
    check_contents();
    check_padding();
    add_misfits();
    if (reader_ && report_.damages.empty()) check_structure();
    if (reader_) check_manifest();
    std::ranges::stable_sort(report_.damages, {}, &Damage::begin);
  }

 private:
  void add(Part part,
           const zip::Salvaged* salvaged,
           std::uint64_t begin,
           std::uint64_t end,
           std::string problem) {
    Damage damage{part, {}, {}, begin, end, std::move(problem)};
    if (salvaged != nullptr) {
      damage.record = salvaged->record.name;
      const auto names = names_.by_record.find(salvaged);
      if (names != names_.by_record.end()) damage.tensors = names->second;
    }
    report_.damages.push_back(std::move(damage));
  }

  const zip::Salvaged* find(std::string_view whole_name) const {
    const auto found = std::ranges::find_if(archive_.records, [&](const zip::Salvaged& salvaged) {
      return salvaged.record.name == whole_name;
    });
    return found == archive_.records.end() ? nullptr : &*found;
  }

  void open_strictly() {
    try {
      reader_.emplace(file_, options_.limits);
    } catch (const Error& error) {
      if (is_the_systems(error)) throw;
      refusal_ = error;
    }
  }

  // What the headers and the directory say. The strict reader tells the first problem only, but
  // knows more kinds of them.
  void check_directory() {
    for (const zip::Salvaged& salvaged : archive_.records) {
      if (salvaged.problem.empty()) continue;
      add(Part::directory, &salvaged, salvaged.record.header_offset, salvaged.record.data_offset,
          salvaged.problem);
    }
    for (const zip::Flaw& flaw : archive_.flaws) {
      const bool is_inside = flaw.end <= archive_.directory_offset && flaw.begin < flaw.end;
      add(is_inside ? Part::padding : Part::directory, nullptr, flaw.begin, flaw.end, flaw.problem);
    }
    const bool is_told = std::ranges::any_of(
        report_.damages, [&](const Damage& damage) { return damage.part == Part::directory; });
    if (!refusal_ || is_told) return;
    const zip::Salvaged* salvaged = find(refusal_->place().record);
    const std::uint64_t begin =
        salvaged != nullptr ? salvaged->record.header_offset : archive_.directory_offset;
    const std::uint64_t end = salvaged != nullptr ? salvaged->record.data_offset : file_->size();
    add(Part::directory, salvaged, begin, end, refusal_->problem());
  }

  void check_contents() {
    const std::vector<std::optional<bool>> results = zip::check_contents(
        *file_, archive_, {mapped_.bytes(), options_.limits, options_.threads, options_.progress});
    for (std::size_t i = 0; i < results.size(); ++i) {
      const zip::Salvaged& salvaged = archive_.records[i];
      const zip::Record& record = salvaged.record;
      const std::uint64_t begin = record.data_offset;
      if (!salvaged.is_complete) {
        add(part_of(record), &salvaged, begin, record.data_end(),
            fmt::format("the record is cut off: {} bytes of it are there", record.stored_bytes));
      } else if (results[i] == false) {
        add(part_of(record), &salvaged, begin, record.data_end(),
            "the bytes are damaged: the checksum differs");
      }
      (results[i] ? report_.verified_bytes : report_.unverified_bytes) += record.stored_bytes;
    }
  }

  // PyTorch fills the space in front of the data with a letter.
  void check_padding() {
    const std::span<const std::byte> file = mapped_.bytes();
    for (const zip::Salvaged& salvaged : archive_.records) {
      if (!salvaged.has_header) continue;
      const std::uint64_t begin =
          salvaged.record.header_offset + zip::kLocalHeaderBytes + salvaged.record.name.size();
      if (begin > salvaged.record.data_offset || salvaged.record.data_offset > file.size())
        continue;
      check_extra(salvaged, begin,
                  file.subspan(static_cast<std::size_t>(begin),
                               static_cast<std::size_t>(salvaged.record.data_offset - begin)));
    }
  }

  void check_extra(const zip::Salvaged& salvaged,
                   std::uint64_t begin,
                   std::span<const std::byte> extra) {
    ByteReader reader(extra);
    bool is_right = true;
    while (is_right && reader.remaining() >= 4) {
      const std::uint16_t id = reader.u16();
      const std::uint16_t size = reader.u16();
      is_right = size <= reader.remaining();
      if (!is_right) break;
      const std::string_view block = reader.text(size);
      if (id == zip::kPaddingExtra)
        is_right = block.find_first_not_of('Z') == std::string_view::npos;
    }
    if (is_right && reader.remaining() == 0) return;
    add(Part::padding, &salvaged, begin, begin + extra.size(),
        "the padding in front of the record's data is damaged; its content is not affected");
    report_.damages.back().tensors.clear();
  }

  void add_misfits() {
    for (TensorNames::Misfit& misfit : names_.misfits) {
      const bool has_place = misfit.found != nullptr;
      report_.damages.push_back({Part::tensor, std::move(misfit.record), std::move(misfit.tensors),
                                 has_place ? misfit.found->record.data_offset : 0,
                                 has_place ? misfit.found->record.data_end() : 0,
                                 std::move(misfit.problem)});
    }
    if (!names_.pickle_error) return;
    const zip::Salvaged* pickle = archive_.find("data.pkl");
    const std::uint64_t offset = names_.pickle_error->place().byte_offset.value_or(0);
    add(Part::pickle, pickle, pickle->record.data_offset + offset, pickle->record.data_end(),
        names_.pickle_error->problem());
  }

  // Reads the file as load() does.
  void check_structure() {
    LoadOptions options;
    options.access = Access::map;
    options.limits = options_.limits;
    try {
      report_.format = load_file(path_, options, Deltas::as_stored).format;
    } catch (const Error& error) {
      if (is_the_systems(error)) throw;
      if (error.code() == ErrorCode::unsupported) throw;
      const zip::Salvaged* record = find(error.place().record);
      add(Part::structure, record, 0, 0, error.problem());
      if (!error.place().record.empty()) report_.damages.back().record = error.place().record;
      if (!error.place().tensor.empty()) report_.damages.back().tensors = {error.place().tensor};
    }
  }

  void check_manifest() {
    try {
      const pt::Archive archive(*reader_);
      const auto manifest = pt::read_manifest(archive, options_.limits);
      if (!manifest) return;
      report_.has_manifest = true;
      for (const pt::ManifestMismatch& mismatch :
           pt::check_records(archive, *manifest, options_.threads)) {
        add_mismatch(mismatch);
      }
      // It covers records without a checksum as well.
      report_.verified_bytes += std::exchange(report_.unverified_bytes, 0);
    } catch (const Error& error) {
      if (is_the_systems(error)) throw;
      if (archive_.find(pt::kManifestRecord) != nullptr) {
        add(Part::record, archive_.find(pt::kManifestRecord), 0, 0, error.problem());
      }
    }
  }

  void add_mismatch(const pt::ManifestMismatch& mismatch) {
    const zip::Salvaged* salvaged = archive_.find(mismatch.name);
    // A checksum of the archive has told it already.
    const bool is_told =
        salvaged != nullptr && std::ranges::any_of(report_.damages, [&](const Damage& damage) {
          return damage.record == salvaged->record.name && damage.part != Part::padding;
        });
    if (is_told) return;
    using Kind = pt::ManifestMismatch::Kind;
    const char* problem =
        mismatch.kind == Kind::changed   ? "the bytes are not those of the SHA-256 manifest"
        : mismatch.kind == Kind::missing ? "the record that the SHA-256 manifest lists is missing"
                                         : "the record is not in the SHA-256 manifest";
    const zip::Record none;
    const zip::Record& record = salvaged != nullptr ? salvaged->record : none;
    add(salvaged != nullptr ? part_of(record) : Part::record, salvaged, record.data_offset,
        record.data_end(), problem);
    if (salvaged == nullptr) report_.damages.back().record = mismatch.name;
  }

  const std::filesystem::path& path_;
  const VerifyOptions& options_;
  VerifyReport& report_;
  std::shared_ptr<const io::InputFile> file_;
  io::MappedFile mapped_;
  zip::Salvage archive_;
  TensorNames names_;
  std::optional<zip::Reader> reader_;
  std::optional<Error> refusal_;  // of the strict reader
};

}  // namespace

void verify_archive(const std::filesystem::path& path,
                    const VerifyOptions& options,
                    VerifyReport& report) {
  ArchiveCheck(path, options, report).run();
}

}  // namespace torchkeep::inspection
