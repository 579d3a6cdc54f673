#include "format/npy/write.h"

#include <utility>

#include "base/fail.h"
#include "base/printable.h"
#include "format/named_tensors.h"
#include "format/npy/array.h"
#include "format/zip/writer.h"

namespace torchkeep::npy {
namespace {

// What the file would name could not be read again; a type that NumPy has not is an error.
void check_names(const std::vector<NamedTensor>& tensors) {
  for (const NamedTensor& named : tensors) {
    try {
      zip::check_record_name(named.name + ".npy");
      make_header(named.tensor);
    } catch (Error& error) {
      Place place;
      place.tensor = printable(named.name);
      error.add_place(place);
      throw;
    }
  }
}

}  // namespace

void write_npy(const Value& value,
               const std::filesystem::path&,
               const SaveOptions&,
               const Sink& sink) {
  if (!value.is_tensor()) {
    fail_at(ErrorCode::unsupported, {}, "save one of its tensors, or save as .npz",
            "a npy file holds one tensor (got {})", name(value.kind()));
  }
  const ArrayFile array = make_array(value.as_tensor());
  sink(std::as_bytes(std::span(array.header)));
  sink(array.elements());
}

void write_npz(const Value& value,
               const std::filesystem::path&,
               const SaveOptions& options,
               const Sink& sink) {
  if (options.shared == SharedTensors::keep_one) {
    fail(ErrorCode::invalid_argument,
         "a npz file cannot note the names of tensors that it leaves "
         "out, as SaveOptions::shared asks for");
  }
  const NamedTensors named = named_tensors(value, options.nested, options.shared, "npz");
  check_names(named.tensors);
  zip::Writer writer(sink, "");
  for (const NamedTensor& tensor : named.tensors) {
    const ArrayFile array = make_array(tensor.tensor);
    writer.add(tensor.name + ".npy", {std::as_bytes(std::span(array.header)), array.elements()});
  }
  writer.finish();
}

}  // namespace torchkeep::npy
