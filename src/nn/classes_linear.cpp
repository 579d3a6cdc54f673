// torch.nn.modules.linear, flatten, sparse, pixelshuffle, fold, distance
#include <torch/nn/modules/distance.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/fold.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/pixelshuffle.h>

#include "nn/layer_field.h"

namespace torchkeep {

namespace classes_linear_detail {

namespace nn = torch::nn;
using layers::field;
using layers::layer_class;

LayerClass linear(std::string path) {
  using Of = nn::LinearOptions;
  return layer_class<nn::LinearImpl>(
      std::move(path), Of(1, 1),
      {field("in_features", &Of::in_features), field("out_features", &Of::out_features)},
      {.parameters = {{"weight", &nn::LinearImpl::weight}, {"bias", &nn::LinearImpl::bias}}});
}

LayerClass bilinear() {
  using Of = nn::BilinearOptions;
  return layer_class<nn::BilinearImpl>(
      "linear.Bilinear", Of(1, 1, 1),
      {field("in1_features", &Of::in1_features), field("in2_features", &Of::in2_features),
       field("out_features", &Of::out_features)},
      {.parameters = {{"weight", &nn::BilinearImpl::weight}, {"bias", &nn::BilinearImpl::bias}}});
}

LayerClass embedding() {
  using Of = nn::EmbeddingOptions;
  return layer_class<nn::EmbeddingImpl>(
      "sparse.Embedding", Of(1, 1),
      {field("num_embeddings", &Of::num_embeddings), field("embedding_dim", &Of::embedding_dim),
       field("padding_idx", &Of::padding_idx), field("max_norm", &Of::max_norm),
       field("norm_type", &Of::norm_type), field("scale_grad_by_freq", &Of::scale_grad_by_freq),
       field("sparse", &Of::sparse)},
      {.parameters = {{"weight", &nn::EmbeddingImpl::weight}}});
}

LayerClass embedding_bag() {
  using Of = nn::EmbeddingBagOptions;
  return layer_class<nn::EmbeddingBagImpl>(
      "sparse.EmbeddingBag", Of(1, 1),
      {field("num_embeddings", &Of::num_embeddings), field("embedding_dim", &Of::embedding_dim),
       field("max_norm", &Of::max_norm), field("norm_type", &Of::norm_type),
       field("scale_grad_by_freq", &Of::scale_grad_by_freq), field("padding_idx", &Of::padding_idx),
       layers::choice("mode", &Of::mode,
                      {{"sum", torch::kSum}, {"mean", torch::kMean}, {"max", torch::kMax}}),
       field("sparse", &Of::sparse), field("include_last_offset", &Of::include_last_offset)},
      {.parameters = {{"weight", &nn::EmbeddingBagImpl::weight}}});
}

LayerClass unflatten() {
  using Of = nn::UnflattenOptions;
  return layer_class<nn::UnflattenImpl>(
      "flatten.Unflatten", Of(1, std::vector<std::int64_t>{1}),
      {field("dim", &Of::dim), field("unflattened_size", &Of::sizes)});
}

LayerClass fold() {
  using Of = nn::FoldOptions;
  return layer_class<nn::FoldImpl>(
      "fold.Fold", Of(1, 1),
      {layers::collapsed("output_size", &Of::output_size),
       layers::collapsed("kernel_size", &Of::kernel_size),
       layers::collapsed("dilation", &Of::dilation), layers::collapsed("padding", &Of::padding),
       layers::collapsed("stride", &Of::stride)});
}

LayerClass unfold() {
  using Of = nn::UnfoldOptions;
  return layer_class<nn::UnfoldImpl>(
      "fold.Unfold", Of(1),
      {layers::collapsed("kernel_size", &Of::kernel_size),
       layers::collapsed("dilation", &Of::dilation), layers::collapsed("padding", &Of::padding),
       layers::collapsed("stride", &Of::stride)});
}

}  // namespace classes_linear_detail

std::vector<LayerClass> linear_classes() {
  namespace detail = classes_linear_detail;
  namespace nn = torch::nn;
  using layers::field;
  using layers::layer_class;
  using Flatten = nn::FlattenOptions;
  using Shuffle = nn::PixelShuffleOptions;
  using Unshuffle = nn::PixelUnshuffleOptions;
  using Cosine = nn::CosineSimilarityOptions;
  using Pairwise = nn::PairwiseDistanceOptions;
  return {
      detail::linear("linear.Linear"),
      detail::linear("linear.NonDynamicallyQuantizableLinear"),
      detail::linear("linear._LinearWithBias"),  // in attention, PyTorch 1.4 to 1.7
      detail::bilinear(),
      layers::plain_class<nn::IdentityImpl>("linear.Identity"),
      layer_class<nn::FlattenImpl>(
          "flatten.Flatten", Flatten(),
          {field("start_dim", &Flatten::start_dim), field("end_dim", &Flatten::end_dim)}),
      detail::unflatten(),
      detail::embedding(),
      detail::embedding_bag(),
      layer_class<nn::PixelShuffleImpl>("pixelshuffle.PixelShuffle", Shuffle(1),
                                        {field("upscale_factor", &Shuffle::upscale_factor)}),
      layer_class<nn::PixelUnshuffleImpl>(
          "pixelshuffle.PixelUnshuffle", Unshuffle(1),
          {field("downscale_factor", &Unshuffle::downscale_factor)}),
      detail::fold(),
      detail::unfold(),
      layer_class<nn::CosineSimilarityImpl>(
          "distance.CosineSimilarity", Cosine(),
          {field("dim", &Cosine::dim), field("eps", &Cosine::eps)}),
      layer_class<nn::PairwiseDistanceImpl>(
          "distance.PairwiseDistance", Pairwise(),
          {field("norm", &Pairwise::p), field("eps", &Pairwise::eps),
           field("keepdim", &Pairwise::keepdim)}),
  };
}

}  // namespace torchkeep
