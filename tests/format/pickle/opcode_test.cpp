// Every opcode of the table, well formed and malformed.
#include "format/pickle/opcode.h"

#include <set>
#include <string>
#include <vector>

#include <torchkeep/value.h>

#include <gtest/gtest.h>

#include "format/pickle/instruction.h"
#include "format/pickle/pickle_bytes.h"
#include "support/expect_error.h"

namespace torchkeep {
namespace {

using pickle::Opcode;
using testing::as_bytes;
using testing::decoded;
using ::testing::HasSubstr;
using testing::pickle;

struct Good {
  Opcode opcode;
  std::string bytes;
  std::string text;  // of the value, see to_string()
};

struct Bad {
  Opcode opcode;
  std::string bytes;
  std::string problem;
  ErrorCode code = ErrorCode::corrupt;
};

// Opcodes that no pickle of ours can hold have no good case; see kUnsupported.
std::vector<Good> good_cases() {
  return {
      {Opcode::mark, pickle("(1N."), "None"},
      {Opcode::stop, pickle("N."), "None"},
      {Opcode::pop,
       pickle("NK\x05"
              "0."),
       "None"},
      {Opcode::pop, pickle("N(0."), "None"},
      {Opcode::pop_mark, pickle("N(NNN1."), "None"},
      {Opcode::dup,
       pickle("K\x07"
              "2\x86."),
       "(7, 7)"},
      {Opcode::decimal_float, pickle("F-1.5e3\n."), "-1500.0"},
      {Opcode::decimal_float, pickle("Finf\n."), "inf"},
      {Opcode::decimal_int, pickle("I-12\n."), "-12"},
      {Opcode::decimal_int, pickle("I01\n."), "True"},
      {Opcode::decimal_int, pickle("I00\n."), "False"},
      {Opcode::binint, pickle("J\xfe\xff\xff\xff."), "-2"},
      {Opcode::binint1, pickle("K\xff."), "255"},
      {Opcode::decimal_long, pickle("L-9223372036854775808L\n."), "-9223372036854775808"},
      {Opcode::binint2, pickle("M\x01\x02."), "513"},
      {Opcode::none, pickle("N."), "None"},
      {Opcode::reduce, pickle("ccollections\nOrderedDict\n)R."), "OrderedDict({})"},
      {Opcode::string, pickle("S'a\\n\\x41\\102\\'\\q'\n."), "'a\\nAB\\'\\\\q'"},
      {Opcode::binstring, pickle("T\x02\0\0\0ab."), "'ab'"},
      {Opcode::binstring, pickle("T\x02\0\0\0\xff\xfe."), "b'\\xff\\xfe'"},
      {Opcode::short_binstring,
       pickle("U\x02"
              "ab."),
       "'ab'"},
      {Opcode::unicode, pickle("V\\u00e9\xe9\\\\u0041\\U0001f600\n."), "'éé\\\\\\\\u0041😀'"},
      {Opcode::binunicode, pickle("X\x02\0\0\0\xc3\xa9."), "'é'"},
      {Opcode::append, pickle("]Na."), "[None]"},
      {Opcode::build,
       pickle("ccollections\nOrderedDict\n)R}U\x01"
              "aK\x01sb."),
       "OrderedDict({})"},
      {Opcode::global, pickle("ctorch\nfloat32\n."), "<torch.float32>"},
      {Opcode::dict,
       pickle("(U\x01"
              "aK\x01"
              "d."),
       "{'a': 1}"},
      {Opcode::empty_dict, pickle("}."), "{}"},
      {Opcode::appends, pickle("](NNe."), "[None, None]"},
      {Opcode::get, pickle("Np9\n0g9\n."), "None"},
      {Opcode::binget,
       pickle("U\x01"
              "aq\x05"
              "0h\x05."),
       "'a'"},
      {Opcode::inst, pickle("(K\x01im\nC\n."), "m.C(1)"},
      {Opcode::inst, pickle("(im\nC\n."), "m.C()"},
      {Opcode::long_binget,
       pickle("Nr\x01\0\0\0"
              "0j\x01\0\0\0."),
       "None"},
      {Opcode::list, pickle("(NNl."), "[None, None]"},
      {Opcode::empty_list, pickle("]."), "[]"},
      {Opcode::obj, pickle("(cm\nC\nK\x01o."), "m.C(1)"},
      {Opcode::put, pickle("]p0\ng0\n0."), "[]"},
      {Opcode::binput,
       pickle("]q\0h\0"
              "0."),
       "[]"},
      {Opcode::long_binput,
       pickle("]r\xff\xff\xff\x7fj\xff\xff\xff\x7f"
              "0."),
       "[]"},
      {Opcode::setitem, pickle("}NK\x01s."), "{None: 1}"},
      {Opcode::tuple, pickle("(NNNNt."), "(None, None, None, None)"},
      {Opcode::empty_tuple, pickle(")."), "()"},
      {Opcode::setitems, pickle("}(K\x01NK\x02Nu."), "{1: None, 2: None}"},
      {Opcode::binfloat, pickle("G\x3f\xf0\0\0\0\0\0\0."), "1.0"},
      {Opcode::binbytes, pickle("B\x02\0\0\0ab."), "b'ab'"},
      {Opcode::short_binbytes,
       pickle("C\x02"
              "ab."),
       "b'ab'"},
      {Opcode::proto, pickle("\x80\x05N."), "None"},
      {Opcode::newobj, pickle("cm\nC\n)\x81."), "m.C()"},
      {Opcode::tuple1, pickle("N\x85."), "(None,)"},
      {Opcode::tuple2, pickle("NN\x86."), "(None, None)"},
      {Opcode::tuple3, pickle("NNN\x87."), "(None, None, None)"},
      {Opcode::newtrue, pickle("\x88."), "True"},
      {Opcode::newfalse, pickle("\x89."), "False"},
      {Opcode::long1, pickle("\x8a\x02\xff\x00."), "255"},
      {Opcode::long1, pickle("\x8a\x00."), "0"},
      {Opcode::long4, pickle("\x8b\x01\0\0\0\xff."), "-1"},
      {Opcode::short_binunicode,
       pickle("\x8c\x02"
              "ab."),
       "'ab'"},
      {Opcode::binunicode8, pickle("\x8d\x02\0\0\0\0\0\0\0ab."), "'ab'"},
      {Opcode::binbytes8, pickle("\x8e\x02\0\0\0\0\0\0\0ab."), "b'ab'"},
      {Opcode::empty_set, pickle("\x8f."), "set()"},
      {Opcode::additems, pickle("\x8f\x94(K\x01K\x02\x90h\0\x86."), "({1, 2}, {1, 2})"},
      {Opcode::frozenset, pickle("(K\x01\x91."), "builtins.frozenset([1])"},
      {Opcode::newobj_ex,
       pickle("cm\nC\n)}U\x01"
              "aK\x01s\x92."),
       "m.C()"},
      {Opcode::stack_global,
       pickle("\x80\x04\x8c\x01m\x8c\x03"
              "A.B\x93."),
       "<m.A.B>"},
      {Opcode::memoize,
       pickle("]\x94h\0"
              "0."),
       "[]"},
      {Opcode::frame, pickle("\x95\x02\0\0\0\0\0\0\0N."), "None"},
      {Opcode::bytearray8, pickle("\x96\x01\0\0\0\0\0\0\0a."), "builtins.bytearray(b'a')"},
  };
}

std::vector<Bad> bad_cases() {
  const ErrorCode unsupported = ErrorCode::unsupported;
  const ErrorCode unsafe = ErrorCode::unsafe;
  return {
      {Opcode::mark, pickle("N(."), "more values than there are"},
      {Opcode::stop, pickle("."), "more values than there are"},
      {Opcode::stop, pickle("NN."), "left over"},
      {Opcode::pop, pickle("0N."), "mark and there is none"},
      {Opcode::pop_mark, pickle("1N."), "mark and there is none"},
      {Opcode::dup, pickle("2."), "more values than there are"},
      {Opcode::decimal_float, pickle("F1.5x\n."), "'1.5x' is no float"},
      {Opcode::decimal_int, pickle("I1x\n."), "'1x' is no integer"},
      {Opcode::decimal_int, pickle("I\n."), "'' is no integer"},
      {Opcode::binint, pickle("J\x01\x01."), "ends in the middle"},
      {Opcode::binint1, pickle("K"), "ends in the middle"},
      {Opcode::decimal_long, pickle("L--1L\n."), "'--1' is no integer"},
      {Opcode::binint2, pickle("M\x01"), "ends in the middle"},
      {Opcode::none, pickle("N"), "ends in the middle"},
      {Opcode::persid, pickle("P1\n."), "data outside of the pickle"},
      {Opcode::binpersid, pickle("K\x01Q."), "data outside of the pickle"},
      {Opcode::reduce, pickle("N)R."), "a call of a None"},
      {Opcode::reduce, pickle("cm\nf\nNR."), "arguments that are a None"},
      {Opcode::reduce, pickle("c_codecs\nencode\nX\x02\0\0\0\xc4\x80U\x06latin1\x86R."), "U+00FF"},
      {Opcode::string, pickle("Sabc\n."), "without quotes"},
      {Opcode::string, pickle("S'\\x4'\n."), "wrong escape"},
      {Opcode::binstring,
       pickle("T\xff\xff\xff\xff"
              "ab."),
       "negative length"},
      {Opcode::short_binstring,
       pickle("U\x09"
              "ab."),
       "ends in the middle"},
      {Opcode::unicode, pickle("V\\u12\n."), "wrong escape"},
      {Opcode::unicode, pickle("V\\Uffffffff\n."), "no character has the code"},
      {Opcode::binunicode, pickle("X\x01\0\0\0\xff."), "not UTF-8"},
      {Opcode::binunicode,
       pickle("X\xff\xff\xff\xff"
              "ab."),
       "ends in the middle"},
      {Opcode::append, pickle("NNa."), "items or attributes of a None"},
      {Opcode::append, pickle("}Na."), "items or attributes of a dict"},
      {Opcode::build, pickle("}}b."), "items or attributes of a dict"},
      {Opcode::build, pickle("cm\nC\n}b."), "changes m.C", unsafe},
      {Opcode::build, pickle("cm\nC\n)R}b}b."), "state is set twice"},
      {Opcode::global, pickle("ctorch\nfloat32"), "ends in the middle"},
      {Opcode::global, pickle("c\nfloat32\n."), "is no name"},
      {Opcode::global, pickle("cm\n\xff\n."), "is no name"},
      {Opcode::global, pickle("cm\nA..B\n."), "'A..B' is no name"},
      {Opcode::global, "cm\n" + std::string(1001, 'x') + "\n.", "is no name"},
      {Opcode::dict, pickle("(Nd."), "a dict key without a value"},
      {Opcode::dict, pickle("(]Nd."), "a list cannot be a dict key"},
      {Opcode::empty_dict, pickle("}"), "ends in the middle"},
      {Opcode::appends, pickle("]NNe."), "mark and there is none"},
      {Opcode::appends, pickle("(NNe."), "more values than there are"},
      {Opcode::get, pickle("g-1\n."), "'-1' is no number of a memo entry"},
      {Opcode::binget, pickle("h\x05."), "no memo entry 5"},
      {Opcode::inst, pickle("im\nC\n."), "mark and there is none"},
      {Opcode::long_binget, pickle("j\x01\0\0\0."), "no memo entry 1"},
      {Opcode::list, pickle("l."), "mark and there is none"},
      {Opcode::empty_list, pickle("](."), "more values than there are"},
      {Opcode::obj, pickle("(o."), "an instance without a class"},
      {Opcode::put, pickle("Npx\n."), "no number of a memo entry"},
      {Opcode::put, pickle("p0\n."), "more values than there are"},
      {Opcode::binput, pickle("q\0."), "more values than there are"},
      {Opcode::binput, pickle("N(q\0."), "more values than there are"},
      {Opcode::long_binput, pickle("Nr\0\0."), "ends in the middle"},
      {Opcode::setitem, pickle("]K\0Ns."), "items or attributes of a list"},
      {Opcode::setitem, pickle("}}Ns."), "a dict cannot be a dict key"},
      {Opcode::setitem, pickle("}]\x85Ns."), "a list cannot be a dict key"},
      {Opcode::tuple, pickle("t."), "mark and there is none"},
      {Opcode::empty_tuple, pickle(")"), "ends in the middle"},
      {Opcode::setitems, pickle("}(Nu."), "a dict key without a value"},
      {Opcode::setitems, pickle("cm\nC\n(NNu."), "changes m.C", unsafe},
      {Opcode::binfloat, pickle("G\0\0."), "ends in the middle"},
      {Opcode::binbytes, pickle("B\xff\0\0\0ab."), "ends in the middle"},
      {Opcode::short_binbytes,
       pickle("C\x05"
              "ab."),
       "ends in the middle"},
      {Opcode::proto, pickle("\x80\x06N."), "pickle protocol 6", unsupported},
      {Opcode::newobj, pickle("N)\x81."), "a call of a None"},
      {Opcode::ext1, pickle("\x82\x01."), "class number 1", unsupported},
      {Opcode::ext2, pickle("\x83\x01\x01."), "class number 257", unsupported},
      {Opcode::ext4, pickle("\x84\x01\0\0\0."), "class number 1", unsupported},
      {Opcode::tuple1, pickle("\x85."), "more values than there are"},
      {Opcode::tuple2, pickle("N\x86."), "more values than there are"},
      {Opcode::tuple3, pickle("NN(N\x87."), "more values than there are"},
      {Opcode::newtrue, pickle("\x88"), "ends in the middle"},
      {Opcode::newfalse, pickle("\x89"), "ends in the middle"},
      {Opcode::long1, pickle("\x8a\x05\x01."), "ends in the middle"},
      {Opcode::long4, pickle("\x8b\xff\xff\xff\xff."), "negative length"},
      {Opcode::short_binunicode, pickle("\x8c\x01\xff."), "not UTF-8"},
      {Opcode::binunicode8, pickle("\x8d\xff\xff\xff\xff\xff\xff\xff\xff."), "ends in the middle"},
      {Opcode::binbytes8, pickle("\x8e\0\0\0\0\0\0\0\x80."), "ends in the middle"},
      {Opcode::empty_set, pickle("\x8f"), "ends in the middle"},
      {Opcode::additems, pickle("](N\x90."), "items are added to a list"},
      {Opcode::additems, pickle("\x8f(]\x90."), "a list cannot be a dict key"},
      {Opcode::frozenset, pickle("(]\x91."), "a list cannot be a dict key"},
      {Opcode::newobj_ex, pickle("cm\nC\n)N\x85\x92."), "keyword arguments that are a tuple"},
      {Opcode::stack_global, pickle("NN\x93."), "is no name"},
      {Opcode::stack_global,
       pickle("\x8c\x01m\x8c\x03"
              "a\nb\x93."),
       "is no name"},
      {Opcode::memoize, pickle("\x94."), "more values than there are"},
      {Opcode::frame, pickle("\x95\xff\0\0\0\0\0\0\0N."), "a frame of 255 bytes with 2 left"},
      {Opcode::bytearray8, pickle("\x96\xff\0\0\0\0\0\0\0a."), "ends in the middle"},
      {Opcode::next_buffer, pickle("\x97."), "a buffer outside of the pickle", unsupported},
      {Opcode::readonly_buffer, pickle("N\x98."), "a buffer outside of the pickle", unsupported},
  };
}

// Whether decoding reaches the opcode.
bool holds(const std::string& bytes, Opcode opcode) {
  return bytes.find(static_cast<char>(opcode)) != std::string::npos;
}

TEST(Opcodes, DecodeToTheirValues) {
  for (const Good& good : good_cases()) {
    SCOPED_TRACE(pickle::find_opcode(static_cast<std::uint8_t>(good.opcode))->name);
    EXPECT_TRUE(holds(good.bytes, good.opcode));
    EXPECT_EQ(to_string(decoded(good.bytes)), good.text);
  }
}

TEST(Opcodes, AreRefusedWhereTheyAreMalformed) {
  for (const Bad& bad : bad_cases()) {
    SCOPED_TRACE(pickle::find_opcode(static_cast<std::uint8_t>(bad.opcode))->name);
    EXPECT_TRUE(holds(bad.bytes, bad.opcode));
    EXPECT_ERROR(decoded(bad.bytes), bad.code, HasSubstr(bad.problem));
  }
}

TEST(Opcodes, AreAllTested) {
  // Nothing is outside of these tests; a reference to data outside needs a hook.
  const std::set<Opcode> without_good_case = {
      Opcode::persid, Opcode::binpersid,   Opcode::ext1,           Opcode::ext2,
      Opcode::ext4,   Opcode::next_buffer, Opcode::readonly_buffer};
  std::set<Opcode> good;
  std::set<Opcode> bad;
  for (const Good& each : good_cases()) good.insert(each.opcode);
  for (const Bad& each : bad_cases()) bad.insert(each.opcode);
  for (const pickle::OpcodeInfo& info : pickle::kOpcodes) {
    EXPECT_EQ(good.contains(info.opcode), !without_good_case.contains(info.opcode)) << info.name;
    EXPECT_TRUE(bad.contains(info.opcode)) << info.name;
  }
}

TEST(Opcodes, AreFoundByTheirByteOnly) {
  std::size_t found = 0;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const pickle::OpcodeInfo* info = pickle::find_opcode(static_cast<std::uint8_t>(byte));
    if (info == nullptr) continue;
    ++found;
    EXPECT_EQ(static_cast<unsigned>(info->opcode), byte);
  }
  EXPECT_EQ(found, pickle::kOpcodes.size());
  EXPECT_EQ(found, 68U);
  EXPECT_ERROR(decoded("\x01."), ErrorCode::corrupt, HasSubstr("0x01 is no opcode"));
}

TEST(Opcodes, AreReadUpToEveryTruncation) {
  for (const Good& good : good_cases()) {
    for (std::size_t size = 0; size < good.bytes.size(); ++size) {
      EXPECT_THROW(decoded(good.bytes.substr(0, size)), Error) << good.text << " cut at " << size;
    }
  }
}

TEST(Opcodes, PersistentIdsGoToTheHook) {
  const pickle::DecodeHooks hooks = {.persistent_load =
                                         [](const Value& id) {
                                           return tuple({"loaded", id});
                                         },
                                     .build = {}};
  EXPECT_EQ(to_string(pickle::decode(as_bytes("Pabc\n."), hooks).value), "('loaded', 'abc')");
  EXPECT_EQ(to_string(pickle::decode(as_bytes("K\x03Q."), hooks).value), "('loaded', 3)");
}

}  // namespace
}  // namespace torchkeep
