#include "format/format.h"
#include "format/legacy/read.h"
#include "format/legacy/write.h"
#include "format/pt/read.h"
#include "format/pt/write.h"
#include "format/recognise.h"
#include "format/tar/read.h"

namespace torchkeep {
namespace {

// clang-format off
constexpr Format kFormats[] = {
    {"pt", "a file of torch.save", pt::recognises, pt::read, "", pt::write},
    {"cpp", "an archive of C++ torch::save", recognises_cpp_archive, pt::read},
    {"torchscript", "a TorchScript archive", recognises_torchscript, pt::read},
    {"npz", "a NumPy archive", recognises_npz, nullptr, ".npz"},
    {"pt-legacy", "a file of torch.save before PyTorch 1.6", legacy::recognises, legacy::read, "",
     legacy::write},
    {"pt-tar", "a file of torch.save before PyTorch 0.1.10", tar::recognises, tar::read},
    {"npy", "a NumPy array", recognises_npy, nullptr, ".npy"},
    {"safetensors", "a safetensors file", recognises_safetensors, nullptr, ".safetensors"},
    {"sharded", "the index of a sharded state dict", recognises_index, nullptr},
    {"dcp", "a distributed checkpoint", recognises_distributed_checkpoint, nullptr},
};
// clang-format on

}  // namespace

std::span<const Format> formats() { return kFormats; }

}  // namespace torchkeep
