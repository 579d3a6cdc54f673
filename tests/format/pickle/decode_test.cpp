// What decoded values are, and what the machine refuses.
#include "format/pickle/decode.h"

#include <string>

#include <torchkeep/value.h>

#include <gtest/gtest.h>

#include "format/pickle/pickle_bytes.h"
#include "support/expect_error.h"

namespace torchkeep {
namespace {

using testing::as_bytes;
using testing::decoded;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::pickle;

TEST(Decode, KeepsTheIdentityOfSharedObjects) {
  const Value value = decoded(pickle("](X\x01\0\0\0aq\0h\0]q\1h\1(NNNNtq\2h\2X\x01\0\0\0ae."));
  EXPECT_EQ(value[0].identity(), value[1].identity());
  EXPECT_EQ(value[2].identity(), value[3].identity());
  EXPECT_EQ(value[4].identity(), value[5].identity());
  EXPECT_NE(value[0].identity(), value[6].identity());
  value[2].as_list().push_back(1);
  EXPECT_EQ(value[3].size(), 1U);
}

TEST(Decode, ReadsOrderedDictsOfPython3WithTheirAttributes) {
  const Value value =
      decoded(pickle("\x80\x02"
                     "ccollections\nOrderedDict\n)R(U\1bK\1U\1aK\2u}U\x09_metadataK\7sb."));
  EXPECT_EQ(to_string(value), "OrderedDict({'b': 1, 'a': 2})");
  EXPECT_EQ(value.as_dict().type(), Dict::Type::ordered);
  EXPECT_EQ(value.as_dict().attributes()["_metadata"].as_int(), 7);
}

TEST(Decode, ReadsOrderedDictsOfPython2) {
  const Value value =
      decoded(pickle("\x80\x02"
                     "ccollections\nOrderedDict\n](](U\1bK\1e](U\1aK\2ee\x85R."));
  EXPECT_EQ(to_string(value), "OrderedDict({'b': 1, 'a': 2})");
}

TEST(Decode, ReadsSetsAndBytesOfProtocol2) {
  EXPECT_EQ(to_string(decoded(pickle("c__builtin__\nset\n](K\1K\2e\x85R."))), "{1, 2}");
  EXPECT_EQ(to_string(decoded(pickle("c__builtin__\nbytes\n)R."))), "b''");
  const Value bytes =
      decoded(pickle("c_codecs\nencode\nX\x03\0\0\0\0\xc3\xbfX\x06\0\0\0latin1\x86R."));
  EXPECT_EQ(bytes.as_bytes(), std::string("\0\xff", 2));
}

TEST(Decode, KeepsEveryMemberOfASetOnce) {
  // Python compares them: 1, 1.0 and True are one.
  EXPECT_EQ(to_string(decoded(pickle("c__builtin__\nset\n](K\1K\2K\1\x88"
                                     "e\x85R."))),
            "{1, 2}");
  EXPECT_EQ(to_string(decoded(pickle("\x80\4\x8f(K\1K\2\x90(K\2K\3\x90."))), "{1, 2, 3}");
  EXPECT_EQ(decoded(pickle("\x80\4(K\1K\1\x91.")).as_object().arguments()[0].size(), 1U);
  // Items that come one by one cost no comparison with all that are there.
  std::string many = pickle("\x80\4\x8f");
  for (int i = 0; i < 50'000; ++i) {
    many += "(M";
    many += static_cast<char>(i & 0xff);
    many += static_cast<char>(i >> 8);
    many += '\x90';
  }
  EXPECT_EQ(decoded(many + ".").size(), 50'000U);
}

TEST(Decode, KeepsIntegersOfMoreThan64Bits) {
  EXPECT_EQ(decoded(pickle("\x8a\x08\0\0\0\0\0\0\0\x80.")).as_int(), INT64_MIN);
  EXPECT_EQ(decoded(pickle("\x8a\x0a\xff\xff\xff\xff\xff\xff\xff\x7f\0\0.")).as_int(), INT64_MAX);
  const Value big = decoded(pickle("\x8a\x0a\0\0\0\0\0\0\0\x80\0\0."));
  EXPECT_EQ(big.as_object().form(), Object::Form::big_int);
  EXPECT_EQ(big.as_object().digits(), std::string("\0\0\0\0\0\0\0\x80\0", 9));
  EXPECT_TRUE(equal(big, decoded("L9223372036854775808L\n.")));
  EXPECT_EQ(decoded("L-9223372036854775809L\n.").as_object().digits(),
            std::string("\xff\xff\xff\xff\xff\xff\xff\x7f\xff", 9));
}

TEST(Decode, KeepsUnknownClassesAsInertObjects) {
  const Value call = decoded(pickle("cposix\nsystem\nU\x02ls\x85R."));
  EXPECT_TRUE(call.as_object().is_call_of("posix", "system"));
  EXPECT_EQ(call.as_object().arguments()[0].as_string(), "ls");

  const Value counter = decoded(pickle("ccollections\nCounter\n}U\1aK\2s\x85R."));
  EXPECT_EQ(to_string(counter), "collections.Counter({'a': 2})");

  const Value by_default =
      decoded(pickle("ccollections\ndefaultdict\nc__builtin__\nlist\n\x85RU\1a]s."));
  ASSERT_EQ(by_default.as_object().dict_items.size(), 1U);
  EXPECT_TRUE(by_default.as_object().arguments()[0].as_object().is_global("builtins", "list"));

  const Value deque = decoded(pickle("ccollections\ndeque\n)N\x86R(K\1K\2e."));
  EXPECT_EQ(deque.as_object().list_items.size(), 2U);

  const Value instance = decoded(pickle("cargparse\nNamespace\n)\x81}U\2lrK\1sb."));
  EXPECT_EQ(instance.as_object().form(), Object::Form::instance);
  EXPECT_EQ(instance.as_object().attribute("lr")->as_int(), 1);

  const Value member = decoded(pickle("c__builtin__\ngetattr\ncm\nColor\nU\3RED\x86R."));
  EXPECT_TRUE(member.as_object().is_call_of("builtins", "getattr"));
}

TEST(Decode, KeepsCallsOfTheResultsOfCalls) {
  const Value value = decoded(pickle("c__builtin__\ngetattr\ncm\nf\nU\1g\x86R)R."));
  EXPECT_EQ(value.as_object().class_path(), "builtins.getattr(...)");
}

TEST(Decode, NamesClassesAsPython3InOldProtocolsOnly) {
  const auto class_path = [](const std::string& bytes) {
    return decoded(bytes).as_object().class_path();
  };
  EXPECT_EQ(class_path(pickle("\x80\x02"
                              "c__builtin__\nlong\n.")),
            "builtins.int");
  EXPECT_EQ(class_path(pickle("c__builtin__\nxrange\n.")), "builtins.range");
  EXPECT_EQ(class_path(pickle("ccopy_reg\n_reconstructor\n.")), "copyreg._reconstructor");
  EXPECT_EQ(class_path(pickle("cexceptions\nValueError\n.")), "builtins.ValueError");
  EXPECT_EQ(class_path(pickle("\x80\x03"
                              "c__builtin__\nlong\n.")),
            "__builtin__.long");
}

TEST(Decode, ListsTheGlobalsSortedAndOnce) {
  const std::string bytes = pickle("](cposix\nsystem\nca\nb\ncposix\nsystem\ne.");
  EXPECT_THAT(pickle::decode(as_bytes(bytes)).globals, ElementsAre("a.b", "posix.system"));
}

TEST(Decode, StopsAfterTheFirstPickle) {
  const pickle::Decoded decoded = pickle::decode(as_bytes(pickle("\x80\x02K\x07.K\x08.")));
  EXPECT_EQ(decoded.value.as_int(), 7);
  EXPECT_EQ(decoded.bytes_used, 5U);
}

TEST(Decode, SaysAtWhichByteAndKeyItFailed) {
  const pickle::DecodeHooks hooks = {.persistent_load = [](const Value&) -> Value {
                                       throw Error(ErrorCode::corrupt, "no such storage");
                                     },
                                     .build = {}};
  const std::string bytes = pickle("}(U\1aNU\6weightctorch._utils\nf\nK\1Q\x85Ru.");
  try {
    pickle::decode(as_bytes(bytes), hooks);
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.place().tensor, "weight");
    EXPECT_EQ(error.place().byte_offset, bytes.find('Q'));
  }
}

TEST(Decode, TurnsWrongArgumentsFoundByAHookIntoACorruptFile) {
  const pickle::DecodeHooks hooks = {
      .persistent_load = {}, .build = [](const Object&, const List&) -> std::optional<Value> {
        throw Error(ErrorCode::invalid_argument, "negative size");
      }};
  EXPECT_ERROR(pickle::decode(as_bytes("cm\nf\n)R."), hooks), ErrorCode::corrupt,
               HasSubstr("negative size"));
}

TEST(Decode, OffersUnknownCallsToTheHook) {
  const pickle::DecodeHooks hooks = {
      .persistent_load = {},
      .build = [](const Object& callee, const List& arguments) -> std::optional<Value> {
        if (!callee.is_global("m", "f")) return std::nullopt;
        return Value(static_cast<std::int64_t>(arguments.size()));
      }};
  EXPECT_EQ(to_string(pickle::decode(as_bytes(pickle("](cm\nf\nNN\x86Rcm\ng\n)Re.")), hooks).value),
            "[2, m.g()]");
}

TEST(Decode, TakesAnyNumberOfAMemoEntryWithoutMemoryForTheOnesBelow) {
  EXPECT_EQ(to_string(decoded(pickle("Nr\xff\xff\xff\xff"
                                     "0j\xff\xff\xff\xff."))),
            "None");
  EXPECT_EQ(to_string(decoded("Np18446744073709551615\n0g18446744073709551615\n.")), "None");
}

TEST(Decode, NestsAsDeepAsTheLimitOfPendingValues) {
  constexpr std::size_t kDepth = 1'000'000;
  const std::string bytes = std::string(kDepth, ']') + std::string(kDepth - 1, 'a') + '.';
  const Value value = decoded(bytes);
  std::size_t depth = 1;
  for (const Value* item = &value; item->size() == 1; item = &(*item)[0]) ++depth;
  EXPECT_EQ(depth, kDepth);
  EXPECT_ERROR(decoded(bytes, {.max_stack_depth = 1000}), ErrorCode::unsafe,
               HasSubstr("max_stack_depth"));
}

TEST(Decode, NestsTuplesDeeperThanThePendingValues) {
  constexpr std::size_t kDepth = 100'000;
  const Value value = decoded(")" + std::string(kDepth, '\x85') + ".", {.max_stack_depth = 1});
  EXPECT_TRUE(value[0][0][0].is_tuple());
}

TEST(Decode, KeepsRepeatedReferencesSmall) {
  // Each list holds the one before ten times: 10^30 items if they were copied.
  std::string bytes = "]q";
  bytes += '\0';
  for (char level = 1; level <= 30; ++level) {
    bytes += "](";
    for (int i = 0; i < 10; ++i) bytes += {'h', static_cast<char>(level - 1)};
    bytes += {'e', 'q', level};
  }
  bytes = "(" + bytes + "l.";  // all of them, in one list
  const Value value = decoded(bytes);
  EXPECT_EQ(value.size(), 31U);
  EXPECT_EQ(value[30][0].identity(), value[29].identity());
}

TEST(Decode, RefusesKeysThatMultiplyWhenTheyAreCompared) {
  std::string bytes = "}(K\x01q";
  bytes += '\0';
  for (char level = 1; level <= 12; ++level) {
    bytes += "0(";
    for (int i = 0; i < 10; ++i) bytes += {'h', static_cast<char>(level - 1)};
    bytes += {'t', 'q', level};
  }
  bytes += "Nu.";
  EXPECT_ERROR(decoded(bytes), ErrorCode::unsafe, HasSubstr("a dict key of more than"));
}

TEST(Decode, FindsMemoEntriesWhateverTheirNumbers) {
  const Value value =
      decoded(pickle("(K\1q\0K\2r\xff\xff\xff\x7fK\3r\0\x10\0\0K\4p9\n"
                     "h\0j\xff\xff\xff\x7fj\0\x10\0\0g9\n"
                     "K\5q\0h\0t."));  // a number that is used again
  EXPECT_EQ(to_string(value), "(1, 2, 3, 4, 1, 2, 3, 4, 5, 5)");
}

// Python's objects can; reference counts could never free them.
TEST(Decode, CutsReferencesOfAValueToWhatHoldsIt) {
  const auto text_of = [](const std::string& bytes) { return to_string(decoded(bytes)); };
  EXPECT_EQ(text_of(pickle("]q\0h\0a.")), "[<what holds this>]");
  EXPECT_EQ(text_of(pickle("]2a.")), "[<what holds this>]");  // without the memo
  EXPECT_EQ(text_of(pickle("}q\0Nh\0s.")), "{None: <what holds this>}");
  EXPECT_EQ(text_of(pickle("]q\0)\x85h\0\x86\x85"
                           "a.")),
            "[((((),), <what holds this>),)]");
  EXPECT_EQ(text_of(pickle("](K\1]q\0K\2h\0\x86"
                           "ah\0e.")),
            "[1, [(2, <what holds this>)], [(2, <what holds this>)]]");
}

TEST(Decode, CutsThemInEveryPartOfAnObject) {
  const Value ordered = decoded(pickle("ccollections\nOrderedDict\n)Rq\0h\0b."));
  EXPECT_EQ(ordered.as_dict().attributes().as_object().form(), Object::Form::ancestor);
  const Value state = decoded(pickle("cm\nC\n)Rq\0}U\1ah\0sb."));
  EXPECT_EQ(state.as_object().attribute("a")->as_object().form(), Object::Form::ancestor);
  const Value items = decoded(pickle("cm\nC\n)\x81q\0K\1h\0s."));
  EXPECT_EQ(items.as_object().dict_items.at(0).second.as_object().form(), Object::Form::ancestor);
  const Value list_items = decoded(pickle("cm\nC\n)\x81q\0h\0a."));
  EXPECT_EQ(list_items.as_object().list_items.at(0).as_object().form(), Object::Form::ancestor);
  const Value set = decoded(pickle("\x8f\x94(cm\nC\n)\x81}U\1sh\0sb\x90."));
  EXPECT_EQ(set.items().at(0).as_object().attribute("s")->as_object().form(),
            Object::Form::ancestor);
}

TEST(Decode, CutsThemAlsoInWhatThePickleThrowsAway) {
  EXPECT_TRUE(decoded(pickle("]q\0h\0a0N.")).is_none());
}

TEST(Decode, RefusesADictThatIsInItsOwnKey) {
  EXPECT_ERROR(decoded(pickle("}q\0cm\nC\n)\x81}U\1ah\0sbNs.")), ErrorCode::unsupported,
               HasSubstr("contains itself in a key"));
}

// The leak checker of the sanitizers' build fails these if something is left.
TEST(Decode, LeavesNothingBehindWhereACycleIsFollowedByAnError) {
  EXPECT_THROW(decoded(pickle("]q\0h\0aX")), Error);
  EXPECT_THROW(decoded(pickle("]q\0h\0a0Nq\0h\7.")), Error);           // out of reach meanwhile
  EXPECT_THROW(decoded(pickle("cm\nC\n)Rq\0}U\1ah\0sb\xff")), Error);  // inside an object
  EXPECT_THROW(decoded(pickle("}q\0h\0Ns.")), Error);                  // unhashable key
}

TEST(Decode, AllowsSharedContainersThatContainNotThemselves) {
  const Value value = decoded(pickle("(]q\0(h\0h\0t}q\1Nh\0sh\1]q\2h\1ah\2l."));
  EXPECT_EQ(to_string(value), "[[], ([], []), {None: []}, {None: []}, [{None: []}], [{None: []}]]");
}

TEST(Limits, BoundTheBytesOfAPickle) {
  const std::string bytes = pickle("X\x04\0\0\0aaaa.");
  EXPECT_EQ(decoded(bytes, {.max_pickle_bytes = bytes.size()}).as_string(), "aaaa");
  EXPECT_ERROR(decoded(bytes, {.max_pickle_bytes = bytes.size() - 1}), ErrorCode::unsafe,
               HasSubstr("max_pickle_bytes"));
}

TEST(Limits, BoundTheOpcodes) {
  EXPECT_NO_THROW(decoded("N0N0N.", {.max_pickle_opcodes = 6}));
  EXPECT_ERROR(decoded("N0N0N.", {.max_pickle_opcodes = 5}), ErrorCode::unsafe,
               HasSubstr("max_pickle_opcodes"));
}

TEST(Limits, BoundTheMemo) {
  // Entries that are never fetched are not kept.
  EXPECT_NO_THROW(decoded(pickle("Nq\0q\1q\2q\3."), {.max_memo_entries = 2}));
  EXPECT_NO_THROW(decoded(pickle("Nq\0q\1q\0h\0h\1\x87."), {.max_memo_entries = 2}));
  EXPECT_ERROR(decoded(pickle("Nq\0q\1q\2(h\0h\1h\2t."), {.max_memo_entries = 2}),
               ErrorCode::unsafe, HasSubstr("max_memo_entries"));
  EXPECT_ERROR(decoded(pickle("Nr\7\7\7\7q\10q\11(h\10h\11j\7\7\7\7t."), {.max_memo_entries = 2}),
               ErrorCode::unsafe, HasSubstr("max_memo_entries"));
  EXPECT_ERROR(decoded("\x80\x04N\x94\x94\x94.", {.max_memo_entries = 2}), ErrorCode::unsafe,
               HasSubstr("max_memo_entries"));
}

TEST(Limits, BoundPendingValuesAndMarks) {
  EXPECT_NO_THROW(decoded("NNN000N.", {.max_stack_depth = 3}));
  EXPECT_ERROR(decoded("NNNN.", {.max_stack_depth = 3}), ErrorCode::unsafe,
               HasSubstr("max_stack_depth"));
  EXPECT_ERROR(decoded("((((", {.max_stack_depth = 3}), ErrorCode::unsafe,
               HasSubstr("max_stack_depth"));
}

TEST(Limits, BoundIntegers) {
  const Limits limits = {.max_int_bytes = 4};
  EXPECT_EQ(decoded(pickle("\x8a\4\1\0\0\0."), limits).as_int(), 1);
  EXPECT_ERROR(decoded(pickle("\x8a\5\1\0\0\0\0."), limits), ErrorCode::unsafe,
               HasSubstr("max_int_bytes"));
  EXPECT_ERROR(decoded("L" + std::string(20, '9') + "L\n.", limits), ErrorCode::unsafe,
               HasSubstr("max_int_bytes"));
}

TEST(Limits, BoundTheMemoryOfTheValues) {
  const Limits limits = {.max_value_bytes = 1 << 20};
  // Each byte makes a dict.
  EXPECT_ERROR(decoded("(" + std::string(10'000, '}') + "l.", limits), ErrorCode::unsafe,
               HasSubstr("max_value_bytes"));
  // Each call copies a set of 1,000 items that the memo holds once.
  std::string bytes = pickle("(c__builtin__\nset\nq\0((");
  for (int i = 0; i < 1000; ++i) bytes += {'M', static_cast<char>(i), static_cast<char>(i >> 8)};
  bytes += pickle("ltq\1");
  for (int i = 0; i < 1000; ++i) bytes += pickle("h\0h\1R");
  EXPECT_ERROR(decoded(bytes + "l.", limits), ErrorCode::unsafe, HasSubstr("max_value_bytes"));
}

}  // namespace
}  // namespace torchkeep
