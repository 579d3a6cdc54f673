#include <torchkeep/verify.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/printable.h"
#include "base/table.h"

namespace torchkeep {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostNames = 5;

std::string summary_of(const VerifyReport& report) {
  switch (report.verdict()) {
    case VerifyReport::Verdict::ok:
      return fmt::format("ok ({} compared with {}{})", human_size(report.verified_bytes),
                         report.has_manifest ? "CRC-32 and SHA-256" : "CRC-32",
                         report.base.empty()
                             ? ""
                             : ", its base " + printable(report.base.string()) + " with SHA-256");
    case VerifyReport::Verdict::unverified:
      return report.verified_bytes == 0
                 ? "structure ok, contents unverified: the format has no checksums"
                 : fmt::format("structure ok, {} of contents unverified: they have no checksums",
                               human_size(report.unverified_bytes));
    case VerifyReport::Verdict::damaged:
      return fmt::format("damaged ({})", counted(report.damages.size(), "place"));
  }
  return "";
}

std::string line_of(const Damage& damage) {
  std::string line = fmt::format("  {}", name(damage.part));
  if (!damage.record.empty()) line += " " + printable(damage.record);
  if (damage.end > 0) line += fmt::format(", bytes {} to {}", damage.begin, damage.end);
  line += ": " + printable(damage.problem);
  for (std::size_t i = 0; i < damage.tensors.size() && i < kMostNames; ++i) {
    line += (i == 0 ? "; tensors: " : ", ") + printable(damage.tensors[i]);
  }
  if (damage.tensors.size() > kMostNames) {
    line += fmt::format(" and {} more", damage.tensors.size() - kMostNames);
  }
  return line + "\n";
}

Json json_of(const Damage& damage) {
  return {{"part", name(damage.part)}, {"record", damage.record}, {"tensors", damage.tensors},
          {"begin", damage.begin},     {"end", damage.end},       {"problem", damage.problem}};
}

Json json_of(const VerifyReport& report) {
  Json damages = Json::array();
  for (const Damage& damage : report.damages) damages.push_back(json_of(damage));
  return {{"path", report.path.string()},
          {"format", report.format},
          {"file_bytes", report.file_bytes},
          {"verdict", name(report.verdict())},
          {"verified_bytes", report.verified_bytes},
          {"unverified_bytes", report.unverified_bytes},
          {"has_manifest", report.has_manifest},
          {"base", report.base.empty() ? Json(nullptr) : Json(report.base.string())},
          {"damages", std::move(damages)}};
}

}  // namespace

std::string to_string(const VerifyReport& report) {
  std::string text = fmt::format("{}: {}, {}\n", printable(report.path.string()), report.format,
                                 summary_of(report));
  for (const Damage& damage : report.damages) text += line_of(damage);
  return text;
}

std::string to_json(const std::vector<VerifyReport>& reports) {
  Json files = Json::array();
  for (const VerifyReport& report : reports) files.push_back(json_of(report));
  return Json{{"files", std::move(files)}}.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace torchkeep
