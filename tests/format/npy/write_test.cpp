#include <filesystem>
#include <string>

#include <torchkeep/load.h>
#include <torchkeep/save.h>
#include <torchkeep/state_dict.h>

#include <gmock/gmock.h>

#include "io/atomic_file.h"
#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

using namespace std::string_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::TemporaryDirectory;

TEST(NpyWrite, GivesTheBytesOfNumPy) {
  const TemporaryDirectory directory;
  save(Tensor::of<float>({1, 2, 3}, {3}), directory / "a.npy");
  EXPECT_EQ(io::read_file(directory / "a.npy"),
            "\x93NUMPY\1\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }"s +
                std::string(60, ' ') + "\n\0\0\x80?\0\0\0@\0\0@@"s);
  save(Tensor::scalar(true), directory / "a.npy");
  EXPECT_EQ(io::read_file(directory / "a.npy"),
            "\x93NUMPY\1\0v\0{'descr': '|b1', 'fortran_order': False, 'shape': (), }"s +
                std::string(62, ' ') + "\n\1");
}

TEST(NpyWrite, KeepsFortranOrderAndCopiesOtherViews) {
  const TemporaryDirectory directory;
  const Tensor base = Tensor::of<std::int16_t>({0, 1, 2, 3, 4, 5, 6, 7}, {8});
  const Tensor fortran(base.storage(), DType::int16, {2, 3}, {1, 2}, 1);
  const Tensor strided(base.storage(), DType::int16, {3}, {2}, 1);
  save(dict({{"fortran", fortran}, {"strided", strided}}), directory / "a.npz",
       {.shared = SharedTensors::copy});
  const Value loaded = load(directory / "a.npz");
  EXPECT_EQ(loaded["fortran"].as_tensor().strides(), (Shape{1, 2}));
  EXPECT_TRUE(equal(loaded["fortran"].as_tensor(), fortran));
  EXPECT_TRUE(equal(loaded["strided"].as_tensor(), strided));
}

TEST(NpyWrite, WritesWhatLoadReads) {
  const TemporaryDirectory directory;
  StateDict weights;
  weights.set("layer.weight", Tensor::of<double>({1, 2, 3, 4}, {2, 2}));
  weights.set("layer/bias", Tensor::of<std::int64_t>({}, {0, 3}));
  weights.set("one", Tensor::scalar(std::uint8_t{9}));
  save(weights, directory / "m.npz");
  for (const Access access : {Access::read, Access::map}) {
    const Value loaded = load(directory / "m.npz", {.access = access});
    EXPECT_TRUE(equal(Value(loaded.as_state_dict()), Value(weights)));
    EXPECT_EQ(
        reinterpret_cast<std::uintptr_t>(loaded["layer.weight"].as_tensor().bytes().data()) % 64,
        0U);
  }
}

TEST(NpyWrite, RefusesWhatTheFormatCannotHold) {
  const TemporaryDirectory directory;
  const Tensor bfloat16(Storage::allocate(2), DType::bfloat16, {1});
  EXPECT_ERROR(save(1, directory / "a.npy"), ErrorCode::unsupported,
               HasSubstr("a npy file holds one tensor (got int); save one of its tensors"));
  EXPECT_ERROR(save(bfloat16, directory / "a.npy"), ErrorCode::unsupported,
               AllOf(HasSubstr("a.npy"), HasSubstr("NumPy has no type for bfloat16 tensors")));
  EXPECT_ERROR(save(dict({{"w", bfloat16}}), directory / "a.npz"), ErrorCode::unsupported,
               HasSubstr("w: NumPy has no type for bfloat16"));
  EXPECT_ERROR(save(dict({{"epoch", 1}}), directory / "a.npz"), ErrorCode::unsupported,
               HasSubstr("epoch: a npz file holds tensors only (got int)"));
  for (const char* name : {"/a", "../a", "a\\b", "a\n"}) {
    EXPECT_ERROR(save(dict({{name, Tensor::scalar(1.0F)}}), directory / "a.npz"), ErrorCode::unsafe,
                 HasSubstr("the name of a record"));
  }
  const Tensor tied = Tensor::scalar(1.0F);
  EXPECT_ERROR(save(dict({{"a", tied}, {"b", tied}}), directory / "a.npz"), ErrorCode::unsupported,
               HasSubstr("b: shares its memory with \"a\""));
  EXPECT_ERROR(save(dict({{"a", tied}}), directory / "a.npz", {.shared = SharedTensors::keep_one}),
               ErrorCode::invalid_argument, HasSubstr("cannot note the names"));
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

}  // namespace
}  // namespace torchkeep
