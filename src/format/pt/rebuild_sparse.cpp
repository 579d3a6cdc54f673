// Sparse tensors stay objects; what they say is checked, for PyTorch would read and write outside
// of its memory with indices out of bounds.
#include <algorithm>

#include "base/fail.h"
#include "data/part_names.h"
#include "format/pt/rebuild.h"

namespace torchkeep::pt {
namespace {

class Sparse {
 public:
  Sparse(const Object& callee, std::vector<NamedPart> parts, ContentChecks& checks)
      : callee_(callee), parts_(std::move(parts)), checks_(checks) {}

  void check() {
    const Value* values = find("values");
    const Value* size = find("size");
    expect(values != nullptr && size != nullptr, callee_, "no values or no size");
    expect(values->is_tensor(), callee_, "values that are no tensor");
    values_ = values->as_tensor().shape();
    shape_ = as_shape(*size, callee_);
    count_elements(shape_);
    if (find("indices") != nullptr) return check_coordinates();
    if (find("crow_indices") != nullptr) return check_compressed("crow_indices", "col_indices", 0);
    check_compressed("ccol_indices", "row_indices", 1);
  }

 private:
  const Value* find(std::string_view name) const {
    const auto part = std::ranges::find(parts_, name, &NamedPart::name);
    return part == parts_.end() ? nullptr : &part->value;
  }

  const Tensor& indices(std::string_view name) const {
    const Value* part = find(name);
    expect(part != nullptr && part->is_tensor(), callee_, "indices that are no tensor");
    return part->as_tensor();
  }

  // indices [sparse dimensions, n], values [n, the other dimensions...]
  void check_coordinates() {
    const Tensor& indices = this->indices("indices");
    expect(indices.dim() == 2 && !values_.empty() && indices.shape()[1] == values_[0], callee_,
           "indices and values that are not equally many");
    const auto sparse = static_cast<std::size_t>(indices.shape()[0]);
    expect(
        sparse <= shape_.size() && std::equal(shape_.begin() + static_cast<std::ptrdiff_t>(sparse),
                                              shape_.end(), values_.begin() + 1, values_.end()),
        callee_, "values that do not fit the size");
    for (std::size_t d = 0; d < sparse; ++d) {
      const Tensor row(
          indices.storage(), indices.dtype(), {indices.shape()[1]}, {indices.strides()[1]},
          indices.storage_offset() + static_cast<std::int64_t>(d) * indices.strides()[0]);
      checks_.add_range(row, 0, shape_[d] - 1, "indices");
    }
  }

  // compressed [batch..., n + 1], plain [batch..., nnz], values [batch..., nnz, block..., dense...]
  void check_compressed(std::string_view compressed_name, std::string_view plain_name, int axis) {
    const Tensor& compressed = indices(compressed_name);
    const Tensor& plain = indices(plain_name);
    const auto batch = static_cast<std::size_t>(std::max<std::int64_t>(compressed.dim() - 1, 0));
    expect(compressed.dim() > 0 && plain.dim() == compressed.dim() && shape_.size() >= batch + 2 &&
               values_.size() > batch,
           callee_, "indices, values and size of different dimensions");
    expect(std::equal(plain.shape().begin(), plain.shape().end(), values_.begin()), callee_,
           "indices and values that are not equally many");
    expect(std::equal(shape_.begin(), shape_.begin() + static_cast<std::ptrdiff_t>(batch),
                      plain.shape().begin()) &&
               std::equal(shape_.begin(), shape_.begin() + static_cast<std::ptrdiff_t>(batch),
                          compressed.shape().begin()),
           callee_, "batches of different sizes");
    const std::int64_t rows = blocks(batch, static_cast<std::size_t>(axis));
    const std::int64_t columns = blocks(batch, static_cast<std::size_t>(1 - axis));
    expect(compressed.shape().back() - 1 == rows, callee_, "indices that do not fit the size");
    checks_.add_rising(compressed, plain.shape().back(), columns, "compressed indices");
    checks_.add_range(plain, 0, columns - 1, "indices");
  }

  // How many rows (axis 0) or columns (axis 1) there are, counted in blocks.
  std::int64_t blocks(std::size_t batch, std::size_t axis) const {
    const std::int64_t size = shape_[batch + axis];
    if (!has_blocks()) return size;
    expect(values_.size() >= batch + 3, callee_, "values without blocks");
    const std::int64_t block = values_[batch + 1 + axis];
    expect(block > 0 && size % block == 0, callee_, "blocks that do not fit the size");
    return size / block;
  }

  bool has_blocks() const {
    const Value& layout = parts_.front().value;
    const std::string& name = layout.as_object().arguments()[0].as_string();
    return name == "torch.sparse_bsr" || name == "torch.sparse_bsc";
  }

  const Object& callee_;
  std::vector<NamedPart> parts_;
  ContentChecks& checks_;
  Shape shape_;
  Shape values_;
};

}  // namespace

void check_sparse(const Object& callee, const List& arguments, ContentChecks& checks) {
  std::vector<NamedPart> parts = named_parts(Object::call(callee, Tuple{arguments}));
  if (parts.empty()) return;  // of a layout that torchkeep does not know
  Sparse(callee, std::move(parts), checks).check();
}

}  // namespace torchkeep::pt
