#include <algorithm>

#include <torchkeep/scan.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/printable.h"

namespace torchkeep {
namespace {

using Json = nlohmann::ordered_json;

std::string place_of(const std::string& record, std::uint64_t offset) {
  return record.empty() ? fmt::format("byte {}", offset)
                        : fmt::format("{}, byte {}", printable(record), offset);
}

std::string line_of(const ScannedGlobal& global, std::size_t width) {
  std::string line = fmt::format("  {:<9}  {:<{}}  {}", name(global.risk), printable(global.name),
                                 width, place_of(global.record, global.offset));
  if (!global.written.empty()) line += fmt::format(", written {}", printable(global.written));
  if (!global.note.empty()) line += fmt::format(" ({})", global.note);
  return line + "\n";
}

Json json_of(const ScannedGlobal& global) {
  Json json = {{"name", global.name},     {"risk", name(global.risk)},
               {"record", global.record}, {"offset", global.offset},
               {"count", global.count},   {"called", global.is_called}};
  if (!global.written.empty()) json["written"] = global.written;
  if (!global.note.empty()) json["note"] = global.note;
  return json;
}

Json json_of(const Suspicion& suspicion) {
  Json json = {{"record", suspicion.record}, {"offset", nullptr}, {"problem", suspicion.problem}};
  if (suspicion.offset) json["offset"] = *suspicion.offset;
  return json;
}

Json json_of(const ScanReport& report) {
  Json globals = Json::array();
  for (const ScannedGlobal& global : report.globals) globals.push_back(json_of(global));
  Json suspicions = Json::array();
  for (const Suspicion& suspicion : report.suspicions) suspicions.push_back(json_of(suspicion));
  return {{"path", report.path.string()},       {"format", report.format},
          {"file_bytes", report.file_bytes},    {"verdict", name(report.verdict())},
          {"pickles", report.pickles},          {"globals", std::move(globals)},
          {"suspicions", std::move(suspicions)}};
}

// A file that is no model at all is not praised as clean.
std::string summary_of(const ScanReport& report) {
  const bool is_foreign = report.format == "unknown" && report.pickles == 0;
  if (is_foreign && report.verdict() == ScanReport::Verdict::clean) {
    return "nothing to scan (no known format, no pickle)";
  }
  return fmt::format("{} ({}, {} pickle{})", name(report.verdict()), report.format, report.pickles,
                     report.pickles == 1 ? "" : "s");
}

}  // namespace

std::string to_string(const ScanReport& report) {
  std::string text = fmt::format("{}: {}\n", printable(report.path.string()), summary_of(report));
  std::vector<const ScannedGlobal*> sorted;
  std::size_t width = 0;
  for (const ScannedGlobal& global : report.globals) {
    sorted.push_back(&global);
    width = std::max(width, printable(global.name).size());
  }
  std::ranges::stable_sort(sorted, std::greater<>(),
                           [](const ScannedGlobal* global) { return global->risk; });
  for (const ScannedGlobal* global : sorted)
    text += line_of(*global, std::min(width, std::size_t{60}));
  for (const Suspicion& suspicion : report.suspicions) {
    std::string place = suspicion.record.empty() ? "file" : printable(suspicion.record);
    if (suspicion.offset) place += fmt::format(", byte {}", *suspicion.offset);
    text += fmt::format("  suspicious  {}: {}\n", place, printable(suspicion.problem));
  }
  return text;
}

std::string to_json(const std::vector<ScanReport>& reports) {
  Json files = Json::array();
  for (const ScanReport& report : reports) files.push_back(json_of(report));
  return Json{{"files", std::move(files)}}.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace torchkeep
