#include "format/pt/content_checks.h"

#include <algorithm>
#include <utility>

#include "base/fail.h"
#include "data/element.h"

namespace torchkeep::pt {
namespace {

// The elements in row-major order.
class Elements {
 public:
  explicit Elements(const Tensor& tensor)
      : tensor_(tensor.is_contiguous() ? tensor : tensor.contiguous()),
        bytes_(tensor_.bytes()),
        item_bytes_(static_cast<std::size_t>(item_bytes(tensor_.dtype()))) {}

  std::int64_t size() const { return tensor_.numel(); }
  std::int64_t operator[](std::int64_t index) const {
    return element::read_as_int(bytes_.data() + static_cast<std::size_t>(index) * item_bytes_,
                                tensor_.dtype());
  }

 private:
  Tensor tensor_;
  std::span<const std::byte> bytes_;
  std::size_t item_bytes_;
};

void check_range(const Elements& elements,
                 std::int64_t least,
                 std::int64_t most,
                 std::string_view what) {
  for (std::int64_t i = 0; i < elements.size(); ++i) {
    if (elements[i] < least || elements[i] > most) {
      fail(ErrorCode::corrupt, "{} of {} (expected {} to {})", what, elements[i], least, most);
    }
  }
}

void check_rising(const Elements& elements,
                  std::int64_t row,
                  std::int64_t last,
                  std::int64_t largest_step,
                  std::string_view what) {
  for (std::int64_t i = 0; i < elements.size(); ++i) {
    const bool is_first = i % row == 0;
    if ((is_first && elements[i] != 0) || (i % row == row - 1 && elements[i] != last)) {
      fail(ErrorCode::corrupt, "{} that do not go from 0 to {}", what, last);
    }
    if (is_first) continue;
    if (elements[i] < elements[i - 1] || elements[i] - elements[i - 1] > largest_step) {
      fail(ErrorCode::corrupt, "{} that step from {} to {} (expected 0 to {} more)", what,
           elements[i - 1], elements[i], largest_step);
    }
  }
}

}  // namespace

void ContentChecks::add(Check check) {
  // A view of bytes that are there is checked in about as much time as they take to be read.
  constexpr std::uint64_t kSmall = std::uint64_t{1} << 16;
  const Tensor& tensor = check.tensor;
  if (tensor.dtype() != DType::int64 && tensor.dtype() != DType::int32) {
    fail(ErrorCode::corrupt, "{} of type {} (expected int64 or int32)", check.what,
         name(tensor.dtype()));
  }
  if (tensor.size_bytes() > std::max(tensor.storage().size_bytes(), kSmall)) {
    fail(ErrorCode::unsafe, "{} that repeat a few bytes by a stride of 0", check.what);
  }
  if (tensor.size_bytes() > left_bytes_) {
    fail(ErrorCode::unsafe, "too many {} to check (Limits::max_value_bytes)", check.what);
  }
  left_bytes_ -= tensor.size_bytes();
  checks_.push_back(std::move(check));
}

void ContentChecks::add_range(const Tensor& tensor,
                              std::int64_t least,
                              std::int64_t most,
                              std::string_view what) {
  add({Rule::range, tensor, least, most, what});
}

void ContentChecks::add_rising(const Tensor& tensor,
                               std::int64_t last,
                               std::int64_t largest_step,
                               std::string_view what) {
  add({Rule::rising, tensor, largest_step, last, what});
}

void ContentChecks::run() const {
  for (const Check& check : checks_) {
    const Elements elements(check.tensor);
    if (check.rule == Rule::range) {
      check_range(elements, check.least, check.most, check.what);
    } else {
      check_rising(elements, check.tensor.shape().back(), check.most, check.least, check.what);
    }
  }
}

}  // namespace torchkeep::pt
