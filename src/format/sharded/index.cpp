#include "format/sharded/index.h"

#include <algorithm>
#include <unordered_set>

#include <nlohmann/json.hpp>

#include "base/fail.h"
#include "base/printable.h"
#include "format/json_reader.h"

namespace torchkeep::sharded {
namespace {

constexpr std::string_view kWeightMap = "weight_map";

Place at_tensor(std::string_view name) {
  Place place;
  place.tensor = printable(name);
  return place;
}

class IndexReader : public JsonReader {
 public:
  WeightMap take() { return std::move(has_weight_map_ ? weight_map_ : bare_map_); }

 private:
  enum class State { start, top, weight_map };

  void on_object() override {
    if (state_ == State::start) {
      state_ = State::top;
    } else if (state_ == State::top && is_weight_map_) {
      state_ = State::weight_map;
    } else {
      JsonReader::on_object();
    }
  }

  void on_object_end() override {
    state_ = state_ == State::weight_map ? State::top : State::start;
  }

  void on_key(std::string& key) override {
    if (state_ == State::weight_map) {
      weight_map_.emplace_back(std::move(key), "");
      return;
    }
    is_weight_map_ = key == kWeightMap;
    if (is_weight_map_) {
      if (has_weight_map_) fail(ErrorCode::corrupt, "the index has two {}", kWeightMap);
      has_weight_map_ = true;
    } else if (key == "metadata") {
      skip_value();
    } else {
      bare_map_.emplace_back(std::move(key), "");
    }
  }

  void on_string(std::string& text) override {
    if (state_ == State::start || (state_ == State::top && is_weight_map_)) {
      JsonReader::on_string(text);
    }
    (state_ == State::weight_map ? weight_map_ : bare_map_).back().second = std::move(text);
  }

  State state_ = State::start;
  bool is_weight_map_ = false;  // the value that comes next
  bool has_weight_map_ = false;
  WeightMap weight_map_;
  WeightMap bare_map_;
};

bool is_plain_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name == printable(name) &&
         name.find_first_of("/\\") == std::string_view::npos;
}

}  // namespace

WeightMap parse_index(std::string_view json) {
  IndexReader reader;
  reader.read(json);
  WeightMap weight_map = reader.take();
  std::unordered_set<std::string_view> names;
  for (const auto& [name, file] : weight_map) {
    if (!names.insert(name).second) {
      fail_at(ErrorCode::corrupt, at_tensor(name), "", "the index has this name twice");
    }
    if (!is_plain_file_name(file)) {
      fail_at(ErrorCode::unsafe, at_tensor(name), "",
              "\"{}\" is no plain name of a file beside the index", printable(file));
    }
  }
  return weight_map;
}

std::string make_index(const WeightMap& weight_map, std::uint64_t total_bytes) {
  nlohmann::json index;
  index["metadata"]["total_size"] = total_bytes;
  nlohmann::json& map = index[kWeightMap] = nlohmann::json::object();
  for (const auto& [name, file] : weight_map) map[name] = file;
  return index.dump(2, ' ', true) + "\n";
}

}  // namespace torchkeep::sharded
