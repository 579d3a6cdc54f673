#include "format/pickle/globals.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "format/pickle/pickle_bytes.h"

namespace torchkeep::pickle {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using torchkeep::testing::as_bytes;

Globals found(std::string_view bytes, const Limits& limits = {}) {
  return find_globals(as_bytes(bytes), limits);
}

// "module.name@offset" of each.
std::vector<std::string> names(std::string_view bytes) {
  std::vector<std::string> result;
  for (const GlobalUse& use : found(bytes).uses) {
    result.push_back(use.module + "." + use.name + "@" + std::to_string(use.offset));
  }
  return result;
}

std::string text(const char* bytes, std::size_t size) { return {bytes, size}; }
template <std::size_t N>
std::string pickle(const char (&bytes)[N]) {
  return text(bytes, N - 1);
}

TEST(PickleGlobals, AreFoundByEveryOpcodeThatImports) {
  EXPECT_THAT(names(pickle("cos\nsystem\n(V1\ntR.")), ElementsAre("os.system@0"));
  EXPECT_THAT(names(pickle("(V1\nios\nsystem\n.")), ElementsAre("os.system@4"));
  EXPECT_THAT(names(pickle("\x80\x04\x8c\x02os\x8c\x06system\x93.")), ElementsAre("os.system@14"));
  EXPECT_THAT(names(pickle("(cos\nsystem\nV1\no.")), ElementsAre("os.system@1"));
}

TEST(PickleGlobals, SaysWhatIsCalledAndWhatIsOnlyNamed) {
  const Globals globals =
      found(pickle("(ca\nb\ncc\nd\n)R(cg\nh\no\x80\x02"
                   "ci\nj\n)\x81t."));
  ASSERT_EQ(globals.uses.size(), 4U);
  EXPECT_FALSE(globals.uses[0].is_called);
  EXPECT_TRUE(globals.uses[1].is_called);
  EXPECT_TRUE(globals.uses[2].is_called);
  EXPECT_TRUE(globals.uses[3].is_called);
}

TEST(PickleGlobals, FollowTheMemoHoweverItsEntriesAreNumbered) {
  // The strings are put in another order than they are taken.
  EXPECT_THAT(names(pickle("Vos\np7\n0Vsystem\nq\x02"
                           "0Vtorch\n0g7\nh\x02\x93.")),
              ElementsAre("os.system@32"));
  EXPECT_THAT(names(pickle("\x8c\x02os\x94\x8c\x06system\x94"
                           "0"
                           "0h\x00h\x01\x93.")),
              ElementsAre("os.system@20"));
}

TEST(PickleGlobals, AreFoundBehindEscapes) {
  EXPECT_THAT(names(pickle("V\\u006fs\nVsyste\\u006d\n\x93.")), ElementsAre("os.system@22"));
  EXPECT_THAT(names(pickle("S'\\x6fs'\nS'system'\n\x93.")), ElementsAre("os.system@19"));
}

TEST(PickleGlobals, WhoseNameIsComputedAreTold) {
  const Globals globals = found(pickle("ca\nb\n)RVsystem\n\x93."));
  ASSERT_EQ(globals.uses.size(), 2U);
  EXPECT_EQ(globals.uses[1].kind, GlobalUse::Kind::computed);
  EXPECT_EQ(globals.uses[1].name, "system");
}

TEST(PickleGlobals, OfTheExtensionRegistryAreTold) {
  const Globals globals = found(pickle("\x80\x02\x82\x07\x83\x01\x02\x84\x01\x02\x03\x04."));
  ASSERT_EQ(globals.uses.size(), 3U);
  EXPECT_EQ(globals.uses[0].kind, GlobalUse::Kind::extension);
  EXPECT_EQ(globals.uses[1].name, "513");
}

TEST(PickleGlobals, ThatGetattrReachesAreNamed) {
  EXPECT_THAT(names(pickle("cbuiltins\ngetattr\n(cbdb\nBdb\nVrun\ntR.")),
              ElementsAre("builtins.getattr@0", "bdb.Bdb@19", "bdb.Bdb.run@34"));
}

TEST(PickleGlobals, SayWhatElseMayUseThem) {
  const auto is_passed = [](std::string_view bytes) { return found(bytes).uses.at(0).is_passed; };
  // Every call is seen through: getattr reaches what is listed.
  EXPECT_FALSE(is_passed(pickle("cbuiltins\ngetattr\n(cm\nEnum\nVred\ntR.")));
  EXPECT_FALSE(
      is_passed(pickle("cbuiltins\ngetattr\nq\x01(cm\nEnum\nVred\ntR0h\x01(cm\nEnum\nVblue\ntR.")));
  EXPECT_FALSE(is_passed(pickle("cbuiltins\ngetattr\n(cm\nEnum\n)RVred\ntR.")));
  EXPECT_TRUE(is_passed(pickle("cbuiltins\ngetattr\n(cm\nEnum\nI1\ntR.")));
  EXPECT_TRUE(is_passed(pickle("cbuiltins\ngetattr\nq\x01(cm\nEnum\nVred\ntR0h\x01\x85.")));
  EXPECT_TRUE(
      is_passed(pickle("cbuiltins\ngetattr\nq\x01(cm\nEnum\nVred\ntR0]h\x01"
                       "a.")));
  EXPECT_TRUE(is_passed(pickle("cbuiltins\ngetattr\n)\x81.")));
}

TEST(PickleGlobals, SayWhoseAttributesAreChanged) {
  EXPECT_TRUE(found(pickle("ctorch\n_utils\n}Vx\nVy\nsb.")).uses[0].is_changed);
  EXPECT_TRUE(found(pickle("csys\nmodules\nVx\nVy\ns.")).uses[0].is_changed);
  EXPECT_FALSE(found(pickle("ca\nb\n)R}Vx\nVy\nsb.")).uses[0].is_changed);
}

TEST(PickleGlobals, OfModuleIdsAreTheirClasses) {
  // ('module', class, file, source) as legacy files have it; the class is then instantiated.
  const Globals globals = found(pickle("(Vmodule\nc__main__\nNet\nVnet.py\nVclass Net\ntQ)\x81."));
  ASSERT_EQ(globals.uses.size(), 1U);
  EXPECT_TRUE(globals.uses[0].is_called);
}

TEST(PickleGlobals, AreKeptWhenThePickleBreaks) {
  const std::string whole = pickle("cos\nsystem\n(V1\ntR.");
  for (std::size_t size = 11; size < whole.size(); ++size) {
    const Globals globals = found(std::string_view(whole).substr(0, size));
    EXPECT_EQ(globals.uses.size(), 1U) << size;
    EXPECT_FALSE(globals.is_complete);
    EXPECT_THAT(globals.problem, HasSubstr("ends"));
  }
  EXPECT_EQ(found(whole + "\xff").bytes_used, whole.size());
  EXPECT_EQ(found(pickle("\x80\x02"
                         "cos\nsystem\n\xff."))
                .uses.size(),
            1U);
  EXPECT_THAT(found(pickle("tR0000sub.")).uses, IsEmpty());  // nothing is on the stack
}

TEST(PickleGlobals, CountTheUsesOfOneName) {
  const Globals globals = found(pickle("(ca\nb\nca\nb\nca\nb\nt."));
  ASSERT_EQ(globals.uses.size(), 1U);
  EXPECT_EQ(globals.uses[0].count, 3U);
}

TEST(PickleGlobals, InsideOfBytesAreHandedOut) {
  const Globals globals =
      found(pickle("cpickle\nloads\nC\x08\x80\x04\x8c\x01"
                   "a.xx\x85R."));
  ASSERT_EQ(globals.embedded.size(), 1U);
  EXPECT_EQ(globals.embedded[0].offset, 14U);
  // As text in Latin-1, which protocol 2 writes.
  EXPECT_EQ(found(pickle("X\x05\x00\x00\x00\xc2\x80\x02N..")).embedded.at(0).bytes, "\x80\x02N.");
}

TEST(PickleGlobals, StopAtTheLimits) {
  EXPECT_THAT(found(std::string(1000, 'N'), {.max_stack_depth = 100}).problem,
              HasSubstr("max_stack_depth"));
  EXPECT_THAT(found(std::string(1000, 'N'), {.max_pickle_opcodes = 100}).problem,
              HasSubstr("max_pickle_opcodes"));
}

TEST(GlobalPatterns, AreFoundAnywhere) {
  const std::vector<GlobalUse> uses = find_global_patterns(
      as_bytes(pickle("\xff\x00"
                      "cos\nsystem\nxyz\x8c\x03pty\x94\x8c\x05spawn\x94\x93\xff")));
  std::vector<std::string> names;
  for (const GlobalUse& use : uses) names.push_back(use.module + "." + use.name);
  EXPECT_THAT(names, ::testing::IsSupersetOf({"os.system", "pty.spawn"}));
  EXPECT_THAT(find_global_patterns(as_bytes("no\nglobals\n")), IsEmpty());
}

}  // namespace
}  // namespace torchkeep::pickle
