#include <array>

#include <torchkeep/repair.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/printable.h"
#include "base/table.h"

namespace torchkeep {
namespace {

using Json = nlohmann::ordered_json;
using Condition = RestoredTensor::Condition;

constexpr auto kConditions =
    std::to_array<Condition>({Condition::whole, Condition::mended, Condition::unverified,
                              Condition::damaged, Condition::partial, Condition::lost});

std::string counts_of(const RepairReport& report) {
  std::string text;
  for (const Condition condition : kConditions) {
    const auto count = static_cast<std::uint64_t>(
        std::count_if(report.tensors.begin(), report.tensors.end(),
                      [&](const RestoredTensor& tensor) { return tensor.condition == condition; }));
    if (count == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", grouped(count), name(condition));
  }
  return text.empty() ? "no tensors" : text;
}

// All but those that are as they were.
std::string table_of(const RepairReport& report) {
  Table table({{"condition"}, {"kept"}, {"tensor"}, {"dtype"}, {"shape"}, {"why"}});
  for (const RestoredTensor& tensor : report.tensors) {
    if (tensor.condition == Condition::whole || tensor.condition == Condition::unverified) continue;
    table.add_row({std::string(name(tensor.condition)), tensor.is_kept ? "yes" : "no", tensor.name,
                   std::string(name(tensor.dtype)), to_string(tensor.shape), tensor.reason});
  }
  return table.empty() ? "" : table.text(2);
}

}  // namespace

std::string to_string(const RepairReport& report) {
  std::string text = fmt::format("{}: {}: {}\n", printable(report.input.string()), report.format,
                                 counts_of(report));
  text += table_of(report);
  for (const std::string& note : report.notes) text += "  note: " + printable(note) + "\n";
  return text + (report.is_written ? fmt::format("saved to {}\n", printable(report.output.string()))
                                   : std::string("nothing was written\n"));
}

std::string to_json(const RepairReport& report) {
  Json tensors = Json::array();
  for (const RestoredTensor& tensor : report.tensors) {
    tensors.push_back({{"name", tensor.name},
                       {"dtype", name(tensor.dtype)},
                       {"shape", tensor.shape},
                       {"condition", name(tensor.condition)},
                       {"kept", tensor.is_kept},
                       {"reason", tensor.reason}});
  }
  const Json document = {{"input", report.input.string()},
                         {"output", report.output.string()},
                         {"format", report.format},
                         {"written", report.is_written},
                         {"complete", report.is_complete()},
                         {"tensors", std::move(tensors)},
                         {"notes", report.notes}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace torchkeep
