// The manifest as JSON.
#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/fail.h"
#include "format/pt/manifest.h"

namespace torchkeep::pt {
namespace {

using Json = nlohmann::ordered_json;
using Entry = Sha256Manifest::Entry;

constexpr std::uint64_t kVersion = 1;

bool is_sha256(std::string_view text) {
  constexpr std::size_t kDigits = 64;
  return text.size() == kDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Takes the parser's events, so that text of any form costs no more memory than a manifest.
class Events : public nlohmann::json_sax<Json> {
 public:
  Sha256Manifest take() {
    if (version_ != kVersion) refuse();
    return std::move(manifest_);
  }

  bool start_object(std::size_t /*size*/) override {
    if (!in_root_) {
      in_root_ = true;
    } else if (list_ != nullptr && !in_entry_) {
      list_->emplace_back();
      in_entry_ = true;
    } else {
      refuse();
    }
    return true;
  }

  bool end_object() override {
    if (in_entry_ && !is_sha256(list_->back().sha256)) refuse();
    in_entry_ = false;
    return true;
  }

  bool start_array(std::size_t /*size*/) override {
    if (in_root_ && list_ == nullptr && key_ == "records") {
      list_ = &manifest_.records;
    } else if (in_root_ && list_ == nullptr && key_ == "tensors") {
      list_ = &manifest_.tensors;
    } else {
      refuse();
    }
    return true;
  }

  bool end_array() override {
    list_ = nullptr;
    return true;
  }

  bool key(string_t& text) override {
    key_ = text;
    return true;
  }

  bool string(string_t& text) override {
    if (!in_entry_) refuse();
    if (key_ == "name") {
      list_->back().name = std::move(text);
    } else if (key_ == "sha256") {
      list_->back().sha256 = std::move(text);
    } else {
      refuse();
    }
    return true;
  }

  bool number_unsigned(number_unsigned_t number) override {
    if (!in_root_ || list_ != nullptr || key_ != "version") refuse();
    if (number != kVersion) {
      fail_at(ErrorCode::unsupported, {}, "use a newer torchkeep",
              "a manifest of version {} (expected {})", number, kVersion);
    }
    version_ = number;
    return true;
  }

  bool null() override { refuse(); }
  bool boolean(bool) override { refuse(); }
  bool number_integer(number_integer_t) override { refuse(); }
  bool number_float(number_float_t, const string_t&) override { refuse(); }
  bool binary(binary_t&) override { refuse(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    refuse();
  }

 private:
  [[noreturn]] static void refuse() { fail(ErrorCode::corrupt, "is no manifest of checksums"); }

  Sha256Manifest manifest_;
  std::vector<Entry>* list_ = nullptr;
  bool in_root_ = false;
  bool in_entry_ = false;
  std::uint64_t version_ = 0;
  std::string key_;
};

Json json_of(const std::vector<Entry>& entries) {
  Json array = Json::array();
  for (const Entry& entry : entries) {
    array.push_back({{"name", entry.name}, {"sha256", entry.sha256}});
  }
  return array;
}

}  // namespace

std::string encode_manifest(const Sha256Manifest& manifest) {
  const Json document = {{"version", kVersion},
                         {"records", json_of(manifest.records)},
                         {"tensors", json_of(manifest.tensors)}};
  return document.dump();
}

Sha256Manifest decode_manifest(std::string_view json) {
  Events events;
  Json::sax_parse(json.begin(), json.end(), &events);
  return events.take();
}

}  // namespace torchkeep::pt
