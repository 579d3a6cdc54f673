// Batches of a data set: order, preprocessing, and a position that can be saved.
#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <vector>

#include <torchkeep/augmentation.h>
#include <torchkeep/dataset.h>
#include <torchkeep/preprocessing.h>
#include <torchkeep/value.h>

namespace torchkeep {

class BatchPipeline;

struct Batch {
  at::Tensor images;  // float32 [batch, channels, height, width], normalised
  at::Tensor labels;  // int64 [batch]; with mixup float32 [batch, classes]
};

struct BatchOptions {
  std::int64_t batch_size = 64;
  enum class Order { shuffled, as_is };
  Order order = Order::as_is;
  std::uint64_t seed = 0;  // with the epoch's number it decides the order
  Preprocessing preprocessing = {};
  Augmentation augmentation = {};  // with a random crop the preprocessing needs one, too
  // Threads that decode and transform; what comes out is the same for any number. 0: as many as
  // there are processors for files, none beside the caller's for images in memory.
  int workers = 0;
};

// The batches of one epoch after another. The order depends on the seed and the epoch alone, so
// that a position can be saved and found again: it is torch.randperm(n) by a generator of its own
// with the seed `seed + epoch`, as Python's DistributedSampler has it. Not synchronised.
class BatchSource {
 public:
  // Throws invalid_argument for an empty data set, a batch size below 1 or a preprocessing that
  // does not fit the images. Without a crop all images have to be of one size, that of the first.
  explicit BatchSource(Dataset dataset, BatchOptions options = {});
  ~BatchSource();
  // A copy stands at the same position.
  BatchSource(const BatchSource& other);
  BatchSource& operator=(const BatchSource& other);
  BatchSource(BatchSource&&) noexcept;
  BatchSource& operator=(BatchSource&&) noexcept;

  // Starts an epoch at its first batch. A new source stands at the start of epoch 0.
  void start_epoch(int epoch);
  // Puts the next images into `batch`; false at the end of the epoch. The tensors of `batch` are
  // written to again if nothing else holds them. Throws as read_image.
  bool next(Batch& batch);

  std::int64_t batches() const;  // in an epoch; the last may be smaller
  const Dataset& dataset() const;
  const BatchOptions& options() const;

  // seed, epoch and position inside the epoch. load throws mismatch for another seed, size or batch
  // size.
  Value state_dict() const;
  void load_state_dict(const Value& state);

 private:
  std::vector<std::int64_t> next_indexes() const;
  void make_ahead(Batch spare);

  std::shared_ptr<const BatchPipeline> pipeline_;  // never changes, shared by copies
  at::Tensor order_;                               // int64 [n]; undefined for Order::as_is
  int epoch_ = 0;
  std::int64_t position_ = 0;  // images already given out
  std::future<Batch> ahead_;   // the batch at position_; not valid where none is being made
};

// One image as a batch has it: float32 [channels, height, width].
at::Tensor preprocess(const Image& image, const Preprocessing& preprocessing);

}  // namespace torchkeep
