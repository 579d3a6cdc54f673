#include "train/metrics_log.h"

#include <sstream>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <nlohmann/json.hpp>

#include "io/atomic_file.h"
#include "io/file_operations.h"
#include "io/system_error.h"
#include "train/metrics_json.h"

namespace torchkeep {
namespace {

using Json = nlohmann::ordered_json;

bool is_of_epoch_before(const std::string& line, int next_epoch) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("epoch")) return false;
  return json["epoch"].is_number_integer() && json["epoch"].get<std::int64_t>() < next_epoch;
}

void append_and_sync(const std::filesystem::path& path, const std::string& text) {
  io::FileOperations& operations = io::file_operations();
  constexpr mode_t kReadWriteForAll = 0666;
  const int descriptor = io::retry_interrupted([&] {
    return operations.open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
                           kReadWriteForAll);
  });
  if (descriptor < 0) io::throw_system_error(path, "open it to add a line");
  const ssize_t written =
      io::retry_interrupted([&] { return operations.write(descriptor, text.data(), text.size()); });
  const bool complete = written == static_cast<ssize_t>(text.size());
  const bool synced =
      complete && io::retry_interrupted([&] { return operations.sync(descriptor); }) == 0;
  const int error = complete || written < 0 ? errno : ENOSPC;
  operations.close(descriptor);
  if (!synced) io::throw_system_error(path, "add a line", error);
}

}  // namespace

MetricsLog::MetricsLog(std::filesystem::path path, int next_epoch) : path_(std::move(path)) {
  std::error_code error;
  if (!std::filesystem::exists(path_, error)) return;
  const std::string old = io::read_file(path_);
  std::istringstream lines(old);
  std::string kept;
  for (std::string line; std::getline(lines, line);) {
    if (is_of_epoch_before(line, next_epoch)) kept += line + "\n";
  }
  if (kept != old) io::write_file(path_, kept);
}

void MetricsLog::append(int epoch, std::int64_t step, const Metrics& metrics) {
  Json line = {{"epoch", epoch}, {"step", step}};
  line.update(to_json(metrics));
  append_and_sync(path_, line.dump() + "\n");
}

}  // namespace torchkeep
