// No file runs anything, hangs the reader or makes it use much memory.
#include <fstream>
#include <set>
#include <string>

#include <torchkeep/error.h>
#include <torchkeep/inspect.h>
#include <torchkeep/load.h>

#include <gtest/gtest.h>

#include "format/hostile/hostile_file.h"
#include "io/atomic_file.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

using testing::HostileFile;
using testing::HostileFiles;
using Outcome = HostileFile::Outcome;

// What the process holds, in bytes; `field` is VmRSS (now) or VmHWM (at most since the reset).
std::uint64_t memory(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) return std::stoull(line.substr(field.size() + 1)) * 1024;
  }
  return 0;
}

void reset_peak() { std::ofstream("/proc/self/clear_refs") << 5; }

#ifdef __SANITIZE_ADDRESS__
constexpr bool kMeasuresMemory = false;  // freed memory is kept to find its uses
#else
constexpr bool kMeasuresMemory = true;
#endif

class HostileCorpus : public ::testing::TestWithParam<HostileFiles (*)()> {
 protected:
  // Whether it loads. Errors must be of a kind that blames the file.
  bool loads(const HostileFile& file) const {
    try {
      EXPECT_FALSE(to_string(load(path_)).empty());
      EXPECT_FALSE(to_json(inspect(path_, inspect_options_)).empty());
      return true;
    } catch (const Error& error) {
      const bool is_blamed = error.code() == ErrorCode::corrupt ||
                             error.code() == ErrorCode::unsupported ||
                             error.code() == ErrorCode::unsafe;
      EXPECT_TRUE(is_blamed) << file.name << ": " << error.what();
      EXPECT_EQ(error.place().path, path_.string()) << file.name;
      return false;
    }
  }

  void check(const HostileFile& file) const {
    io::write_file(path_, file.bytes, Durability::cached);
    reset_peak();
    const std::uint64_t before = memory("VmRSS");
    const bool is_loaded = loads(file);
    constexpr std::uint64_t kAllowed = std::uint64_t{64} << 20;
    constexpr std::uint64_t kMostGrowth = 100;  // an empty list is one byte of a pickle
    if (kMeasuresMemory) {
      EXPECT_LE(memory("VmHWM"), before + kMostGrowth * file.bytes.size() + kAllowed) << file.name;
    }
    if (file.outcome != Outcome::either) {
      EXPECT_EQ(is_loaded, file.outcome == Outcome::inert) << file.name;
    }
  }

  // Names are listed once for each way that leads to them: that many may fill memory.
  InspectOptions inspect_options_ = {.hash = InspectOptions::Hash::sha256,
                                     .limits = {.max_summary_bytes = 8 << 20}};
  testing::TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_ / "hostile.pt";
};

TEST_P(HostileCorpus, IsRefusedOrInert) {
  for (const HostileFile& file : GetParam()()) check(file);
}

INSTANTIATE_TEST_SUITE_P(OfArchives, HostileCorpus, ::testing::Values(testing::hostile_archives));
INSTANTIATE_TEST_SUITE_P(OfPickles, HostileCorpus, ::testing::Values(testing::hostile_pickles));
INSTANTIATE_TEST_SUITE_P(OfTensors, HostileCorpus, ::testing::Values(testing::hostile_tensors));

TEST(HostileFiles, AreManyAndDifferent) {
  std::set<std::string> different;
  for (const auto make :
       {testing::hostile_archives, testing::hostile_pickles, testing::hostile_tensors}) {
    for (const HostileFile& file : make()) different.insert(file.bytes);
  }
  EXPECT_GE(different.size(), 900U);
}

}  // namespace
}  // namespace torchkeep
