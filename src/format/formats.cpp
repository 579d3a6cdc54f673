#include "format/dcp/read.h"
#include "format/format.h"
#include "format/legacy/read.h"
#include "format/legacy/write.h"
#include "format/npy/read.h"
#include "format/npy/write.h"
#include "format/pt/read.h"
#include "format/pt/write.h"
#include "format/recognise.h"
#include "format/safetensors/read.h"
#include "format/safetensors/write.h"
#include "format/sharded/read.h"
#include "format/tar/read.h"

namespace torchkeep {
namespace {

// clang-format off
constexpr Format kFormats[] = {
    {"pt", "a file of torch.save", pt::recognises, pt::read, "", pt::write},
    {"cpp", "an archive of C++ torch::save", recognises_cpp_archive, pt::read},
    {"torchscript", "a TorchScript archive", recognises_torchscript, pt::read},
    {"npz", "a NumPy archive", npy::recognises_npz, npy::read_npz, ".npz", npy::write_npz,
     Holds::named_tensors},
    {"pt-legacy", "a file of torch.save before PyTorch 1.6", legacy::recognises, legacy::read, "",
     legacy::write},
    {"pt-tar", "a file of torch.save before PyTorch 0.1.10", tar::recognises, tar::read},
    {"npy", "a NumPy array", npy::recognises_npy, npy::read_npy, ".npy", npy::write_npy,
     Holds::one_tensor},
    {"safetensors", "a safetensors file", safetensors::recognises, safetensors::read,
     ".safetensors", safetensors::write, Holds::named_tensors},
    {"sharded", "the index of a sharded state dict", sharded::recognises, sharded::read},
    {"dcp", "a distributed checkpoint", dcp::recognises, dcp::read},
};
// clang-format on

}  // namespace

std::span<const Format> formats() { return kFormats; }

}  // namespace torchkeep
