#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <torchkeep/load.h>
#include <torchkeep/save.h>
#include <torchkeep/state_dict.h>

#include <gmock/gmock.h>

#include "format/load_file.h"
#include "format/zip/reader.h"
#include "io/atomic_file.h"
#include "support/expect_error.h"
#include "support/failing_file_operations.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::FailingFileOperations;
using ::testing::HasSubstr;
using testing::TemporaryDirectory;

std::vector<std::string> record_names(const fs::path& path) {
  const zip::Reader reader(std::make_shared<const io::InputFile>(path), {});
  std::vector<std::string> names;
  for (const zip::Record& record : reader.records()) names.push_back(record.name);
  return names;
}

Value tensors(int count) {
  List items;
  for (int i = 0; i < count; ++i) items.push_back(Tensor::of<std::int32_t>({i, i + 1}, {2}));
  return items;
}

TEST(Save, WritesWhatLoadReads) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "checkpoint.pt";
  StateDict weights;
  weights.set("a", Tensor::of<float>({1, 2, 3, 4, 5, 6}, {2, 3}));
  weights.set("empty", Tensor::of<float>({}, {0, 3}));
  weights.set("scalar", Tensor::scalar(std::int64_t{7}));
  const Value value = dict({{"epoch", 3}, {"loss", 0.25}, {"model_state_dict", weights}});
  for (const Layout layout : {Layout::latest, Layout::torch_1_13}) {
    save(value, path, {.layout = layout});
    for (const Access access : {Access::read, Access::map}) {
      EXPECT_TRUE(equal(load(path, {.access = access}), value));
    }
  }
}

TEST(Save, KeepsSharedAndStridedTensors) {
  const TemporaryDirectory directory;
  const Tensor base = Tensor::of<float>({0, 1, 2, 3, 4, 5}, {2, 3});
  const Tensor transposed(base.storage(), DType::float32, {3, 2}, {1, 3});
  const Tensor tail(base.storage(), DType::float32, {2}, {1}, 4);
  save(list({base, transposed, tail}), directory / "views.pt");
  const Value loaded = load(directory / "views.pt");
  EXPECT_EQ(loaded[1].as_tensor().strides(), (Shape{1, 3}));
  EXPECT_EQ(loaded[2].as_tensor().item_as_double(1), 5.0);
  EXPECT_TRUE(loaded[0].as_tensor().storage().shares_memory_with(loaded[1].as_tensor().storage()));
  EXPECT_TRUE(loaded[0].as_tensor().storage().shares_memory_with(loaded[2].as_tensor().storage()));
}

TEST(Save, OrdersRecordsAsTheLayoutDoes) {
  const TemporaryDirectory directory;
  save(tensors(11), directory / "m.pt");
  EXPECT_THAT(record_names(directory / "m.pt"),
              ElementsAre("m/data.pkl", "m/.format_version", "m/.storage_alignment", "m/byteorder",
                          "m/data/0", "m/data/1", "m/data/2", "m/data/3", "m/data/4", "m/data/5",
                          "m/data/6", "m/data/7", "m/data/8", "m/data/9", "m/data/10", "m/version",
                          "m/.data/serialization_id"));
  save(tensors(11), directory / "m.pt", {.layout = Layout::torch_1_13});
  EXPECT_THAT(record_names(directory / "m.pt"),
              ElementsAre("m/data.pkl", "m/data/0", "m/data/1", "m/data/10", "m/data/2", "m/data/3",
                          "m/data/4", "m/data/5", "m/data/6", "m/data/7", "m/data/8", "m/data/9",
                          "m/version"));
}

TEST(Save, UsesTheRootThatIsAskedFor) {
  const TemporaryDirectory directory;
  save(1, directory / "m.pt", {.root_name = "archive"});
  EXPECT_EQ(record_names(directory / "m.pt")[0], "archive/data.pkl");
  for (const char* name : {"", "..", "a/b", "a\\b", "a\n"}) {
    EXPECT_ERROR(save(2, directory / "m.pt", {.root_name = name}), ErrorCode::invalid_argument,
                 HasSubstr("root_name"));
  }
  EXPECT_EQ(load(directory / "m.pt").as_int(), 1);
  EXPECT_EQ(testing::names_in(directory.path()).size(), 1U);
}

TEST(Save, ChoosesTheFormatByNameOrExtension) {
  const TemporaryDirectory directory;
  save(1, directory / "m.ckpt");
  EXPECT_EQ(load_file(directory / "m.ckpt", {}).format, "pt");
  save(2, directory / "m.npz", {.format = "pt"});
  EXPECT_EQ(load_file(directory / "m.npz", {}).format, "pt");
  for (const char* name : {"", "PT", "torchscript", "dcp"}) {
    EXPECT_ERROR(save(3, directory / "m.pt", {.format = name}), ErrorCode::invalid_argument,
                 HasSubstr("does not write the format \"" + std::string(name) + "\" (expected pt"));
  }
  EXPECT_EQ(testing::names_in(directory.path()).size(), 2U);
}

TEST(Save, SaysWhatIsWrongWithTheTarget) {
  const TemporaryDirectory directory;
  EXPECT_ERROR(save(1, directory / "no" / "m.pt"), ErrorCode::invalid_argument,
               ::testing::AllOf(HasSubstr((directory / "no" / "m.pt").string()),
                                HasSubstr("does not exist; create it first")));
  EXPECT_ERROR(save(1, directory.path()), ErrorCode::invalid_argument, HasSubstr("is a directory"));
  EXPECT_ERROR(save(1, directory / ".pt"), ErrorCode::invalid_argument,
               HasSubstr("no name before its extension"));
  EXPECT_EQ(testing::names_in(directory.path()).size(), 0U);
}

TEST(Save, LeavesTheOldFileWhereTheValueCannotBeWritten) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "m.pt";
  save("old", path);
  const Value cycle = list({1});
  cycle.as_list().push_back(tuple({cycle}));
  EXPECT_ERROR(save(cycle, path), ErrorCode::unsupported, HasSubstr(path.string()));
  cycle.as_list().clear();
  EXPECT_EQ(load(path).as_string(), "old");
  EXPECT_EQ(testing::names_in(directory.path()).size(), 1U);
}

TEST(Save, LeavesTheOldOrTheNewFileWhereAnyOperationFails) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "m.pt";
  const Value value = list({Tensor(Storage::allocate(3'000'000), DType::uint8, {3'000'000}), 5});
  std::vector<std::string> calls;
  {
    const FailingFileOperations operations;
    save(value, path);
    calls = operations.calls();
  }
  ASSERT_THAT(calls, ::testing::Contains("rename"));
  for (std::size_t call = 0; call + 1 < calls.size(); ++call) {
    for (const int error_number : {ENOSPC, EIO}) {
      SCOPED_TRACE(std::to_string(call) + " " + calls[call]);
      save("old", path);
      {
        const FailingFileOperations operations(call, error_number);
        EXPECT_ERROR(save(value, path), ErrorCode::io, HasSubstr(path.string()));
      }
      const bool renamed =
          std::find(calls.begin(), calls.begin() + static_cast<std::ptrdiff_t>(call), "rename") !=
          calls.begin() + static_cast<std::ptrdiff_t>(call);
      EXPECT_TRUE(equal(load(path), renamed ? value : Value("old")));
      EXPECT_EQ(testing::names_in(directory.path()).size(), 1U);
    }
  }
}

TEST(Save, WritesManySmallTensorsWithFewSystemCalls) {
  const TemporaryDirectory directory;
  const FailingFileOperations operations;
  save(tensors(2000), directory / "m.pt");
  EXPECT_LE(operations.calls().size(), 12U);
}

TEST(Save, GivesTheSameBytesEachTime) {
  const TemporaryDirectory directory;
  fs::create_directory(directory / "other");
  save(tensors(3), directory / "m.pt");
  save(tensors(3), directory / "other/m.pt");
  EXPECT_EQ(io::read_file(directory / "m.pt"), io::read_file(directory / "other/m.pt"));
}

}  // namespace
}  // namespace torchkeep
