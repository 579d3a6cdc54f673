#include <chrono>
#include <memory>

#include <torchkeep/checkpoint_list.h>
#include <torchkeep/checkpoint_manager.h>

#include <nlohmann/json.hpp>

#include "base/fail.h"
#include "base/table.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "train/metrics_json.h"

namespace torchkeep::cli {
namespace {

namespace fs = std::filesystem;

struct ListArguments {
  fs::path directory;
  std::string sort;
  bool descending = false;
  std::vector<std::string> conditions;
  bool json = false;
};

struct Listing {
  std::vector<CheckpointInfo> checkpoints;
  std::optional<CheckpointInfo> best;  // of all, also of those that are not listed
  fs::path last;
};

Listing make_listing(const ListArguments& arguments) {
  Listing listing{.checkpoints = list_checkpoints(arguments.directory),
                  .best = best_checkpoint(arguments.directory),
                  .last = {}};
  if (!listing.checkpoints.empty()) listing.last = listing.checkpoints.back().path;
  for (const std::string& condition : arguments.conditions) {
    listing.checkpoints = where(listing.checkpoints, parse_condition(condition));
  }
  if (!arguments.sort.empty()) {
    listing.checkpoints =
        sorted_by(listing.checkpoints, arguments.sort,
                  arguments.descending ? SortOrder::descending : SortOrder::ascending);
  }
  return listing;
}

std::string as_json(const Listing& listing) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const CheckpointInfo& info : listing.checkpoints) {
    list.push_back({{"path", info.path.string()},
                    {"epoch", info.epoch},
                    {"step", info.step},
                    {"metrics", to_json(info.metrics)},
                    {"bytes", info.file_bytes},
                    {"intermediate", info.intermediate}});
  }
  nlohmann::ordered_json json = {
      {"best", nullptr}, {"last", nullptr}, {"checkpoints", std::move(list)}};
  if (listing.best) json["best"] = listing.best->path.string();
  if (!listing.last.empty()) json["last"] = listing.last.string();
  return json.dump(2) + "\n";
}

// "12 s", "5 min", "3 h", "2 d": how long ago the file was written.
std::string age_of(const fs::path& path) {
  std::error_code error;
  const auto written = fs::last_write_time(path, error);
  if (error) return "";
  const auto age = fs::file_time_type::clock::now() - written;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(age).count();
  if (seconds < 60) return fmt::format("{} s", std::max<std::int64_t>(seconds, 0));
  if (seconds < 3600) return fmt::format("{} min", seconds / 60);
  if (seconds < 86400) return fmt::format("{} h", seconds / 3600);
  return fmt::format("{} d", seconds / 86400);
}

std::string role_of(const CheckpointInfo& info, const Listing& listing) {
  std::string role;
  if (listing.best && listing.best->path == info.path) role = "best";
  if (listing.last == info.path) role += role.empty() ? "last" : ", last";
  return role;
}

std::string as_table(const Listing& listing) {
  std::vector<std::string> metrics;
  for (const CheckpointInfo& info : listing.checkpoints) {
    for (const auto& [name, value] : info.metrics) {
      if (std::ranges::find(metrics, name) == metrics.end()) metrics.push_back(name);
    }
  }
  std::vector<Table::Column> columns{
      {"", Table::Align::left}, {"epoch", Table::Align::right}, {"step", Table::Align::right}};
  for (const std::string& name : metrics) columns.push_back({name, Table::Align::right});
  columns.insert(
      columns.end(),
      {{"size", Table::Align::right}, {"age", Table::Align::right}, {"file", Table::Align::left}});
  Table table(columns);
  for (const CheckpointInfo& info : listing.checkpoints) {
    std::vector<std::string> row{role_of(info, listing), std::to_string(info.epoch),
                                 std::to_string(info.step)};
    for (const std::string& name : metrics) {
      const auto found = info.metrics.find(name);
      row.push_back(found == info.metrics.end() ? "" : fmt::format("{:.4f}", found->second));
    }
    row.insert(row.end(),
               {human_size(info.file_bytes), age_of(info.path), info.path.filename().string()});
    table.add_row(std::move(row));
  }
  return (table.empty() ? "" : table.text()) + counted(listing.checkpoints.size(), "checkpoint") +
         "\n";
}

ExitStatus run_list(const ListArguments& arguments) {
  const Listing listing = make_listing(arguments);
  write_output(arguments.json ? as_json(listing) : as_table(listing));
  return ExitStatus::done;
}

}  // namespace

void add_list_command(Program& program) {
  const auto arguments = std::make_shared<ListArguments>();
  CLI::App& command = program.add_command(
      {.name = "list",
       .summary = "List the checkpoints of a run, oldest first",
       .examples = "torchkeep list runs/first\n"
                   "torchkeep list runs/first --sort val_acc --descending --where 'epoch>=10'\n"
                   "torchkeep list runs/first --json | jq -r .best"},
      [arguments] { return run_list(*arguments); });
  command.add_option("DIR", arguments->directory, "Directory of the run")->required();
  CLI::Option* sort = command.add_option("--sort", arguments->sort,
                                         "What to sort by: epoch, step, bytes or a metric");
  command.add_flag("--descending", arguments->descending, "The largest first")->needs(sort);
  command
      .add_option("--where", arguments->conditions,
                  "Only those with, such as 'val_acc>=0.9' or 'epoch<10'; may be repeated")
      ->allow_extra_args(false);
  command.add_flag("--json", arguments->json, "Print one JSON document");
}

}  // namespace torchkeep::cli
