#include "format/safetensors/header.h"

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "base/fail.h"
#include "base/printable.h"
#include "format/json_reader.h"

namespace torchkeep::safetensors {
namespace {

constexpr std::size_t kMostDimensions = 64;  // as PyTorch

Place at_tensor(std::string_view name) {
  Place place;
  place.tensor = printable(name);
  return place;
}

class HeaderReader : public JsonReader {
 public:
  Header take() { return std::move(header_); }

 private:
  enum class State { start, tensors, tensor, type, shape, begin_or_end, metadata };

  void on_key(std::string& key) override {
    switch (state_) {
      case State::tensors:
        add_name(key);
        return;
      case State::metadata:
        header_.metadata.emplace_back(std::move(key), "");
        return;
      default:
        field(key);
    }
  }

  void on_object() override {
    if (state_ == State::start && !has_begun_) {
      has_begun_ = true;
      state_ = State::tensors;
    } else if (state_ == State::tensors) {
      state_ = in_metadata_ ? State::metadata : State::tensor;
      seen_ = {};
    } else {
      JsonReader::on_object();
    }
  }

  void on_object_end() override {
    switch (state_) {
      case State::metadata:
        in_metadata_ = false;
        state_ = State::tensors;
        return;
      case State::tensor:
        finish_tensor();
        state_ = State::tensors;
        return;
      default:
        state_ = State::start;
    }
  }

  void on_string(std::string& text) override {
    if (state_ == State::metadata) {
      header_.metadata.back().second = std::move(text);
    } else if (state_ == State::type) {
      set_type(text);
      state_ = State::tensor;
    } else {
      refuse_in_tensor("a string");
    }
  }

  void on_array() override {
    if (state_ != State::shape && state_ != State::begin_or_end) refuse_in_tensor("an array");
    if (in_array_) refuse_in_tensor("an array");
    in_array_ = true;
  }

  void on_array_end() override {
    in_array_ = false;
    state_ = State::tensor;
  }

  void on_number(std::uint64_t number) override {
    if (!in_array_) refuse_in_tensor("a number");
    if (state_ == State::shape) {
      add_size(number);
    } else if (seen_.offsets < 2) {
      (seen_.offsets++ == 0 ? tensor().begin : tensor().end) = number;
    } else {
      refuse_in_tensor("a third offset");
    }
  }

  void add_name(std::string& name) {
    in_metadata_ = name == kMetadataKey;
    if (!in_metadata_) {
      header_.tensors.push_back({std::move(name), nullptr, {}, 0, 0});
    } else if (has_metadata_) {
      fail(ErrorCode::corrupt, "the header has two {}", kMetadataKey);
    } else {
      has_metadata_ = true;
    }
  }

  void field(std::string_view key) {
    if (key == "dtype") {
      begin_field(seen_.type, key, State::type);
    } else if (key == "shape") {
      begin_field(seen_.shape, key, State::shape);
    } else if (key == "data_offsets") {
      begin_field(seen_.data_offsets, key, State::begin_or_end);
    } else {
      skip_value();
    }
  }

  void begin_field(bool& seen, std::string_view key, State state) {
    if (seen)
      fail_at(ErrorCode::corrupt, at_tensor(tensor().name), "", "has two values of {}", key);
    seen = true;
    state_ = state;
  }

  void set_type(std::string_view name) {
    tensor().type = find_element_type(name);
    if (tensor().type == nullptr) {
      fail_at(ErrorCode::unsupported, at_tensor(tensor().name), "use a newer torchkeep",
              "elements of the unknown type \"{}\"", printable(name));
    }
    if (!tensor().type->dtype) {
      fail_at(ErrorCode::unsupported, at_tensor(tensor().name), "",
              "elements of the type {}, which PyTorch has not", name);
    }
  }

  void add_size(std::uint64_t size) {
    if (tensor().shape.size() == kMostDimensions) {
      fail_at(ErrorCode::unsupported, at_tensor(tensor().name), "",
              "has more than {} dimensions, which PyTorch cannot have", kMostDimensions);
    }
    if (size > INT64_MAX) {
      fail_at(ErrorCode::corrupt, at_tensor(tensor().name), "", "has the size {}", size);
    }
    tensor().shape.push_back(static_cast<std::int64_t>(size));
  }

  void finish_tensor() {
    for (const auto& [seen, key] : {std::pair{seen_.type, "dtype"},
                                    {seen_.shape, "shape"},
                                    {seen_.data_offsets && seen_.offsets == 2, "data_offsets"}}) {
      if (!seen) fail_at(ErrorCode::corrupt, at_tensor(tensor().name), "", "lacks its {}", key);
    }
  }

  [[noreturn]] void refuse_in_tensor(std::string_view what) {
    try {
      refuse(what);
    } catch (Error& error) {
      if (!in_metadata_ && !header_.tensors.empty()) error.add_place(at_tensor(tensor().name));
      throw;
    }
  }

  TensorEntry& tensor() { return header_.tensors.back(); }

  struct Seen {
    bool type = false;
    bool shape = false;
    bool data_offsets = false;
    int offsets = 0;
  };

  Header header_;
  State state_ = State::start;
  bool has_begun_ = false;
  bool has_metadata_ = false;
  bool in_metadata_ = false;
  bool in_array_ = false;
  Seen seen_;  // of the last tensor
};

void check_names_distinct(const Header& header) {
  std::unordered_set<std::string_view> names;
  names.reserve(header.tensors.size());
  for (const TensorEntry& tensor : header.tensors) {
    if (!names.insert(tensor.name).second) {
      fail_at(ErrorCode::corrupt, at_tensor(tensor.name), "", "the header has this name twice");
    }
  }
  names.clear();
  for (const auto& [key, text] : header.metadata) {
    if (!names.insert(key).second) {
      fail(ErrorCode::corrupt, "{} has the key \"{}\" twice", kMetadataKey, printable(key));
    }
  }
}

// The bytes that the shape needs; nothing where no memory could hold them or they are no whole
// bytes.
std::optional<std::uint64_t> bytes_of(const TensorEntry& tensor) {
  std::uint64_t bits = 1;
  for (const std::int64_t size : tensor.shape) {
    if (__builtin_mul_overflow(bits, static_cast<std::uint64_t>(size), &bits)) return std::nullopt;
  }
  if (__builtin_mul_overflow(bits, tensor.type->bits, &bits)) return std::nullopt;
  return bits % 8 == 0 ? std::optional(bits / 8) : std::nullopt;
}

void check_size(const TensorEntry& tensor) {
  const std::optional<std::uint64_t> bytes = bytes_of(tensor);
  if (tensor.begin > tensor.end || !bytes || tensor.end - tensor.begin != *bytes) {
    fail_at(ErrorCode::corrupt, at_tensor(tensor.name), "",
            "{} {} does not fill its place, bytes {} to {} of the data", tensor.type->name,
            to_string(tensor.shape), tensor.begin, tensor.end);
  }
}

void check_places(const std::vector<TensorEntry>& tensors, std::uint64_t data_bytes) {
  std::vector<const TensorEntry*> in_file_order;
  in_file_order.reserve(tensors.size());
  for (const TensorEntry& tensor : tensors) in_file_order.push_back(&tensor);
  const auto place = [](const TensorEntry* tensor) {
    return std::pair(tensor->begin, tensor->end);
  };
  if (!std::ranges::is_sorted(in_file_order, {}, place)) {
    std::ranges::sort(in_file_order, {}, place);
  }
  std::uint64_t end = 0;
  for (const TensorEntry* tensor : in_file_order) {
    if (tensor->begin != end) {
      fail_at(ErrorCode::corrupt, at_tensor(tensor->name), "",
              "{} (expected to begin at byte {} of the data, got {})",
              tensor->begin < end ? "overlaps another tensor" : "leaves a hole before it", end,
              tensor->begin);
    }
    end = tensor->end;
  }
  if (end != data_bytes) {
    fail_at(ErrorCode::corrupt, {}, "copy or download it again",
            "the tensors do not fill the file (expected {} bytes of data, got {})", end,
            data_bytes);
  }
}

}  // namespace

Header parse_header(std::string_view text, std::uint64_t data_bytes) {
  HeaderReader reader;
  reader.read(text);
  Header header = reader.take();
  check_names_distinct(header);
  for (const TensorEntry& tensor : header.tensors) check_size(tensor);
  check_places(header.tensors, data_bytes);
  return header;
}

}  // namespace torchkeep::safetensors
