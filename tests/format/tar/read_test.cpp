// Files of torch.save before PyTorch 0.1.10, built by hand: no later release writes them.
#include "format/tar/read.h"

#include <functional>
#include <string>
#include <vector>

#include <torchkeep/load.h>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/byte_reader.h"
#include "format/load_file.h"
#include "format/pickle/encode.h"
#include "format/pickle/pickle_bytes.h"
#include "format/tar/tar_builder.h"
#include "io/atomic_file.h"
#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

using namespace std::string_literals;
using ::testing::AllOf;
using testing::build_tar;
using ::testing::HasSubstr;
using testing::TemporaryDirectory;

Value torch_class(const std::string& name) { return Object::global("torch", name); }

// A pickle of the tuple or list in front of numbers.
std::string pickled(const Value& value) { return pickle::encode(value); }

std::string numbers(const std::vector<std::int64_t>& values) {
  std::string result;
  for (const std::int64_t value : values) append_number(result, static_cast<std::uint64_t>(value));
  return result;
}

std::string storage(const Value& key,
                    const std::string& type,
                    std::int64_t count,
                    const std::string& data) {
  return pickled(tuple({key, "cpu", torch_class(type + "Storage")})) + numbers({count}) + data;
}

std::string tensor(const Value& key,
                   const Value& storage_key,
                   const std::vector<std::int64_t>& sizes,
                   const std::vector<std::int64_t>& strides,
                   std::int64_t offset) {
  return pickled(tuple({key, storage_key, torch_class("ShortTensor")})) +
         numbers({static_cast<std::int64_t>(sizes.size())}) + numbers(sizes) + numbers(strides) +
         numbers({offset});
}

struct TarFile {
  std::string sys_info = pickled(dict({{"protocol_version", 1000}, {"little_endian", true}}));
  std::string storages = pickled(1) + storage(7, "Short", 4, "aAbBcCdD") + pickled(list({}));
  std::string tensors = pickled(1) + tensor(8, 7, {2, 2}, {2, 1}, 0);
  std::string object = "\x80\x02}(U\x01wU\x01\x38Qu.";

  std::string bytes() const {
    return build_tar(
        {{"sys_info", sys_info}, {"pickle", object}, {"tensors", tensors}, {"storages", storages}});
  }
};

LoadedFile load_bytes(const std::string& bytes, const LoadOptions& options = {}) {
  const TemporaryDirectory directory;
  io::write_file(directory / "m.pt", bytes, Durability::cached);
  return load_file(directory / "m.pt", options);
}

Value load_both_ways(const TarFile& file) {
  const LoadedFile read = load_bytes(file.bytes(), {.access = Access::read});
  EXPECT_EQ(read.format, "pt-tar");
  const LoadedFile mapped = load_bytes(file.bytes(), {.access = Access::map});
  EXPECT_TRUE(equal(mapped.content.value, read.content.value));
  return read.content.value;
}

void expect_refused(const TarFile& file, ErrorCode code, const std::string& text) {
  EXPECT_ERROR(load_bytes(file.bytes()), code, AllOf(HasSubstr("m.pt"), HasSubstr(text)));
}

std::string text_of(const Storage& from) {
  return {reinterpret_cast<const char*>(from.bytes().data()), from.bytes().size()};
}

TEST(TarRead, ReadsWhatWasSaved) {
  const Value loaded = load_both_ways(TarFile());
  const Tensor& tensor = loaded["w"].as_tensor();
  EXPECT_EQ(tensor.dtype(), DType::int16);
  EXPECT_EQ(tensor.shape(), (Shape{2, 2}));
  EXPECT_EQ(text_of(tensor.storage()), "aAbBcCdD");
}

TEST(TarRead, TakesKeysAsNumbersAndAsText) {
  TarFile file;
  file.object = "\x80\x02(K\x08QU\x01\x38QX\x01\0\0\0\x37QP8\nt."s;
  const Value loaded = load_both_ways(file);
  EXPECT_EQ(loaded[0].identity(), loaded[1].identity());
  EXPECT_TRUE(loaded[2].is_storage());
  EXPECT_EQ(loaded[3].identity(), loaded[0].identity());
}

TEST(TarRead, ReadsViewsOfStorages) {
  TarFile file;
  file.storages = pickled(1) + storage(7, "Short", 4, "aAbBcCdD") +
                  pickled(list({tuple({9, 7, 1, 2}), tuple({10, 9, 1, 1})}));
  file.tensors = pickled(2) + tensor(8, 9, {2}, {1}, 0) + tensor(11, 10, {1}, {1}, 0);
  file.object = "\x80\x02(K\x08QK\x0bQK\x07Qt.";
  const Value loaded = load_both_ways(file);
  EXPECT_EQ(text_of(loaded[0].as_tensor().storage()), "bBcC");
  EXPECT_EQ(text_of(loaded[1].as_tensor().storage()), "cC");
  EXPECT_EQ(loaded[2].as_storage().bytes().data() + 2,
            loaded[0].as_tensor().storage().bytes().data());
}

TEST(TarRead, TakesAClassWithItsSourceAsTheClass) {
  TarFile file;
  file.object = "\x80\x02(cmy.net\nNet\nU\x06net.pyU\x11import os; exit()tQ)\x81.";
  EXPECT_EQ(load_both_ways(file).as_object().class_path(), "my.net.Net");
}

TEST(TarRead, ReadsTheCountsOfABigEndianMachine) {
  TarFile file;
  file.sys_info = pickled(dict({{"little_endian", false}}));
  file.storages =
      pickled(1) + storage(7, "Short", std::int64_t{4} << 56, "aAbBcCdD") + pickled(list({}));
  EXPECT_EQ(text_of(load_both_ways(file)["w"].as_tensor().storage()), "aAbBcCdD");
}

TEST(TarRead, ListsTheGlobalsOfAllPickles) {
  TarFile file;
  file.sys_info = "\x80\x02}U\x01kcos\nsystem\ns.";
  EXPECT_THAT(load_bytes(file.bytes()).content.globals,
              ::testing::ElementsAre("os.system", "torch.ShortStorage", "torch.ShortTensor"));
}

TEST(TarRead, LooksForMembersByName) {
  const TarFile file;
  const std::string bytes = build_tar({{"sys_info", file.sys_info},
                                       {"other", "x"},
                                       {"storages", file.storages},
                                       {"tensors", file.tensors},
                                       {"pickle", file.object}});
  EXPECT_TRUE(load_bytes(bytes).content.value.contains("w"));
  for (const char* missing : {"storages", "tensors", "pickle"}) {
    std::vector<testing::TarEntry> entries = {{"sys_info", file.sys_info},
                                              {"storages", file.storages},
                                              {"tensors", file.tensors},
                                              {"pickle", file.object}};
    std::erase_if(entries, [&](const testing::TarEntry& entry) { return entry.name == missing; });
    EXPECT_ERROR(load_bytes(build_tar(entries)), ErrorCode::corrupt,
                 HasSubstr(fmt::format("has no member {}", missing)));
  }
}

TEST(TarRead, IsNotEveryTarArchive) {
  EXPECT_ERROR(load_bytes(build_tar({{"readme", "x"}})), ErrorCode::unsupported, HasSubstr("m.pt"));
}

TEST(TarRead, RefusesStoragesThatAreNotThere) {
  TarFile file;
  file.storages = pickled(1) + storage(7, "Short", 5, "aAbBcCdD") + pickled(list({}));
  file.storages.resize(file.storages.size() - 5);
  expect_refused(file, ErrorCode::corrupt, "storages: ");
  for (const std::int64_t count : {std::int64_t{-1}, INT64_MAX, INT64_MIN, std::int64_t{1} << 60}) {
    file.storages = pickled(1) + storage(7, "Short", count, "aAbBcCdD") + pickled(list({}));
    expect_refused(file, ErrorCode::corrupt, "storages: ");
  }
  for (const std::string& count : {pickled(2), pickled(-1), pickled("x"), ""s}) {
    file.storages = count + storage(7, "Short", 4, "aAbBcCdD") + pickled(list({}));
    expect_refused(file, ErrorCode::corrupt, "storages: ");
  }
}

TEST(TarRead, RefusesWrongDescriptionsOfStorages) {
  TarFile file;
  const std::string rest = numbers({4}) + "aAbBcCdD" + pickled(list({}));
  file.storages = pickled(1) + pickled(tuple({7, "cpu"})) + rest;
  expect_refused(file, ErrorCode::corrupt, "a storage has 2 parts (expected 3)");
  file.storages = pickled(1) + pickled(3) + rest;
  expect_refused(file, ErrorCode::corrupt, "is a int (expected a tuple)");
  file.storages = pickled(1) + pickled(tuple({"seven", "cpu", torch_class("ShortStorage")})) + rest;
  expect_refused(file, ErrorCode::corrupt, "where the key of a tensor or storage must stand");
  file.storages = pickled(1) + pickled(tuple({7, "cpu", torch_class("OddStorage")})) + rest;
  expect_refused(file, ErrorCode::unsupported, "class torch.OddStorage");
  file.storages = pickled(1) + pickled(tuple({7, "cpu", 4})) + rest;
  expect_refused(file, ErrorCode::corrupt, "no storage");
}

TEST(TarRead, RefusesWrongViews) {
  TarFile file;
  const std::string first = pickled(1) + storage(7, "Short", 4, "aAbBcCdD");
  const std::vector<std::pair<Value, std::string>> views = {
      {tuple({9, 7, 1, 4}), "leaves it"},         {tuple({9, 7, -1, 1}), "leaves it"},
      {tuple({9, 7, 1, -1}), "leaves it"},        {tuple({9, 7, "a", 1}), "no numbers"},
      {tuple({9, 6, 1, 1}), "with the key 6"},    {tuple({7, 7, 1, 1}), "have the key 7"},
      {tuple({9, 7, 1}), "3 parts (expected 4)"}, {Value(3), "expected a tuple"},
  };
  for (const auto& [view, text] : views) {
    file.storages = first + pickled(list({view}));
    expect_refused(file, ErrorCode::corrupt, text);
  }
  file.storages = first + pickled(3);
  expect_refused(file, ErrorCode::corrupt, "the views of storages are a int");
}

TEST(TarRead, RefusesKeysThatAreTakenTwice) {
  TarFile file;
  file.storages =
      pickled(2) + storage(7, "Short", 1, "aA") + storage(7, "Short", 1, "bB") + pickled(list({}));
  expect_refused(file, ErrorCode::corrupt, "two tensors or storages have the key 7");
  file = TarFile();
  file.tensors = pickled(1) + tensor(7, 7, {2}, {1}, 0);
  expect_refused(file, ErrorCode::corrupt, "two tensors or storages have the key 7");
}

TEST(TarRead, RefusesTensorsThatLeaveTheirStorage) {
  TarFile file;
  const std::vector<std::string> tensors = {
      tensor(8, 7, {5}, {1}, 0),  tensor(8, 7, {4}, {1}, 1),
      tensor(8, 7, {4}, {1}, -1), tensor(8, 7, {4}, {-1}, 3),
      tensor(8, 7, {-4}, {1}, 0), tensor(8, 7, {2}, {INT64_MAX}, 0),
      tensor(8, 6, {1}, {1}, 0),  tensor(8, 7, {1}, {1}, 0).substr(0, 60),
  };
  for (const std::string& text : tensors) {
    file.tensors = pickled(1) + text;
    expect_refused(file, ErrorCode::corrupt, "tensors: ");
  }
  file.tensors = pickled(1) + tensor(8, 7, std::vector<std::int64_t>(65, 1),
                                     std::vector<std::int64_t>(65, 1), 0);
  expect_refused(file, ErrorCode::corrupt, "a tensor has 65 dimensions");
  file.tensors = pickled(1) + tensor(8, 7, {std::int64_t{1} << 45}, {0}, 0);
  expect_refused(file, ErrorCode::unsafe, "max_logical_bytes");
}

TEST(TarRead, RefusesReferencesToNothing) {
  for (const char* id : {"K\x05Q", "U\x03xyzQ", "NQ", "(K\x01K\x02tQ"}) {
    TarFile file;
    file.object = "\x80\x02"s + id + ".";
    expect_refused(file, ErrorCode::corrupt, "pickle: ");
  }
}

TEST(TarRead, SaysWhatIsWrongWithATruncatedFile) {
  const std::string whole = TarFile().bytes();
  // The last block of data is half empty, and the end may be missing.
  for (std::size_t size = 512; size < whole.size() - 1024 - 512; size += 64) {
    EXPECT_ERROR(load_bytes(whole.substr(0, size)), ErrorCode::corrupt, HasSubstr("m.pt"));
  }
}

}  // namespace
}  // namespace torchkeep
