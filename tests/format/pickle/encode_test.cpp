// The goldens are what CPython 3.11 writes: pickle.dumps(value, 2).
#include "format/pickle/encode.h"

#include <cmath>
#include <limits>
#include <random>
#include <string>

#include <torchkeep/value.h>

#include <gtest/gtest.h>

#include "base/fail.h"
#include "format/pickle/pickle_bytes.h"
#include "support/expect_error.h"

namespace torchkeep {
namespace {

using pickle::encode;
using testing::decoded;
using ::testing::HasSubstr;
using testing::pickle;

Value int_dict(std::initializer_list<std::int64_t> keys) {
  Dict result;
  for (const std::int64_t key : keys) result.set(key, key + 1);
  return result;
}

Value with_attribute() {
  Dict result(Dict::Type::ordered);
  result.set("a", 1);
  result.set_attributes(dict({{"x", 2}}));
  return result;
}

TEST(Encode, WritesPlainDataAsPython) {
  EXPECT_EQ(encode(list({Value(), true, false})), pickle("\x80\x02]q\x00(N\x88\x89"
                                                         "e."));
  EXPECT_EQ(
      encode(list({0, 255, 256, 65535, 65536, -1, INT32_MAX, std::int64_t{1} << 31, INT32_MIN,
                   std::int64_t{INT32_MIN} - 1, INT64_MAX, INT64_MIN})),
      pickle("\x80\x02]q\x00(K\x00K\xffM\x00\x01M\xff\xffJ\x00\x00\x01\x00J\xff\xff\xff\xffJ\xff"
             "\xff\xff\x7f\x8a\x05\x00\x00\x00\x80\x00J\x00\x00\x00\x80\x8a\x05\xff\xff\xff\x7f"
             "\xff\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x8a\x08\x00\x00\x00\x00\x00\x00\x00"
             "\x80"
             "e."));
  EXPECT_EQ(encode(Object::big_int(std::string("\0\0\0\0\0\0\0\x80\0", 9))),
            pickle("\x80\x02\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00."));
  EXPECT_EQ(encode(list({1.5, std::numeric_limits<double>::infinity()})),
            pickle("\x80\x02]q\x00(G\?\xf8\x00\x00\x00\x00\x00\x00G\x7f\xf0\x00\x00\x00\x00\x00\x00"
                   ""
                   "e."));
  EXPECT_EQ(encode("é\n"), pickle("\x80\x02X\x03\x00\x00\x00\xc3\xa9\nq\x00."));
  EXPECT_EQ(encode(list({Bytes{"a\xff"}, Bytes{}})),
            pickle("\x80\x02]q\x00(c_codecs\nencode\nq\x01X\x03\x00\x00\x00"
                   "a\xc3\xbfq\x02X\x06\x00"
                   "\x00\x00latin1q\x03\x86q\x04Rq\x05"
                   "c__builtin__\nbytes\nq\x06)Rq\x07"
                   "e."));
  EXPECT_EQ(
      encode(list({tuple({}), tuple({1}), tuple({1, 2}), tuple({1, 2, 3}), tuple({1, 2, 3, 4})})),
      pickle("\x80\x02]q\x00()K\x01\x85q\x01K\x01K\x02\x86q\x02K\x01K\x02K\x03\x87q\x03(K\x01K"
             "\x02K\x03K\x04tq\x04"
             "e."));
  EXPECT_EQ(encode(list({Dict(), int_dict({1}), int_dict({1, 3})})),
            pickle("\x80\x02]q\x00(}q\x01}q\x02K\x01K\x02s}q\x03(K\x01K\x02K\x03K\x04ue."));
  EXPECT_EQ(encode(with_attribute()),
            pickle("\x80\x02"
                   "ccollections\nOrderedDict\nq\x00)Rq\x01X\x01\x00\x00\x00"
                   "aq\x02K\x01"
                   "s}q\x03X\x01\x00\x00\x00xq\x04K\x02sb."));
  EXPECT_EQ(encode(Set{{1}}), pickle("\x80\x02"
                                     "c__builtin__\nset\nq\x00]q\x01K\x01"
                                     "a\x85q\x02Rq\x03."));
}

Value shared_text() {
  const Value text = "abc";
  return list({text, text});
}

Value name_space() {
  Object object = Object::instance(Object::global("argparse", "Namespace"), tuple({}));
  object.state = dict({{"lr", 1}});
  return object;
}

Value default_dict() {
  Object object = Object::call(Object::global("collections", "defaultdict"),
                               tuple({Object::global("builtins", "list")}));
  object.dict_items.emplace_back(1, 2);
  return object;
}

Value deque() {
  Object object = Object::call(Object::global("collections", "deque"), tuple({}));
  object.list_items = {1, 2, 3};
  return object;
}

TEST(Encode, WritesReferencesAndObjectsAsPython) {
  EXPECT_EQ(encode(shared_text()), pickle("\x80\x02]q\x00(X\x03\x00\x00\x00"
                                          "abcq\x01h\x01"
                                          "e."));
  EXPECT_EQ(
      encode(list({Object::global("collections", "OrderedDict"),
                   Object::global("collections", "OrderedDict"), Object::global("builtins", "int"),
                   Object::global("builtins", "range"), Object::global("builtins", "ValueError")})),
      pickle("\x80\x02]q\x00(ccollections\nOrderedDict\nq\x01h\x01"
             "c__builtin__\nlong\nq\x02"
             ""
             "c__builtin__\nxrange\nq\x03"
             "cexceptions\nValueError\nq\x04"
             "e."));
  EXPECT_EQ(encode(list({Object::global("m", "A.B"), Object::global("m", "A.B")})),
            pickle("\x80\x02]q\x00(c__builtin__\ngetattr\nq\x01"
                   "cm\nA\nq\x02X\x01\x00\x00\x00"
                   "Bq"
                   "\x03\x86q\x04Rq\x05h\x05"
                   "e."));
  EXPECT_EQ(encode(name_space()),
            pickle("\x80\x02"
                   "cargparse\nNamespace\nq\x00)\x81q\x01}q\x02X\x02\x00\x00\x00lrq\x03K\x01"
                   "sb."));
  EXPECT_EQ(encode(default_dict()), pickle("\x80\x02"
                                           "ccollections\ndefaultdict\nq\x00"
                                           "c__builtin__\nlist\nq\x01\x85q\x02"
                                           "Rq\x03K\x01K\x02s."));
  EXPECT_EQ(encode(deque()), pickle("\x80\x02"
                                    "ccollections\ndeque\nq\x00)Rq\x01(K\x01K\x02K\x03"
                                    "e."));
}

TEST(Encode, RefusesValuesThatContainThemselves) {
  const Value self_list = list({});
  self_list.as_list().push_back(self_list);
  EXPECT_ERROR(encode(self_list), ErrorCode::unsupported, HasSubstr("the list contains itself"));
  self_list.as_list().clear();

  const Value inner = list({});
  const Value outer = tuple({inner});
  inner.as_list().push_back(outer);
  EXPECT_ERROR(encode(outer), ErrorCode::unsupported, HasSubstr("contains itself"));
  inner.as_list().clear();

  const Value object = Object::call(Object::global("m", "C"), tuple({}));
  object.as_object() = Object::call(Object::global("m", "C"), tuple({object}));
  EXPECT_ERROR(encode(object), ErrorCode::unsupported, HasSubstr("the object contains itself"));
  object.as_object() = Object::global("m", "C");

  EXPECT_ERROR(encode(list({Object::ancestor()})), ErrorCode::unsupported,
               HasSubstr("contained itself in the file it came from"));
}

TEST(Encode, RefusesTextThatPythonCouldNotRead) {
  EXPECT_ERROR(encode(dict({{"name", "caf\xe9"}})), ErrorCode::invalid_argument,
               HasSubstr("not UTF-8, which Python could not read: 'caf\\xe9'"));
}

TEST(Encode, RefusesWhatAPickleAloneCannotHold) {
  EXPECT_ERROR(encode(Tensor()), ErrorCode::unsupported, HasSubstr("tensor"));
  EXPECT_ERROR(encode(Storage()), ErrorCode::unsupported, HasSubstr("storage"));
  EXPECT_ERROR(encode(Object::global("m\nC", "x")), ErrorCode::invalid_argument, HasSubstr("name"));
  EXPECT_ERROR(encode(Object::global("", "x")), ErrorCode::invalid_argument, HasSubstr("name"));
  EXPECT_ERROR(encode(Object::call(Object::global("m", "C"), 1)), ErrorCode::invalid_argument,
               HasSubstr("expected a tuple"));
  Dict attributed;
  attributed.set_attributes(Dict());
  EXPECT_ERROR(encode(attributed), ErrorCode::invalid_argument, HasSubstr("attributes"));
}

TEST(Encode, RestoresKeywordArgumentsAndNestedNames) {
  Object instance = Object::instance(Object::global("m", "A.B.C"), tuple({1}));
  instance.keyword_arguments = dict({{"k", 2}});
  instance.state = dict({{"s", 3}});
  instance.list_items = {4, 5};
  instance.dict_items = {{"d", 6}};
  const Value restored = decoded(encode(instance));
  EXPECT_EQ(restored.as_object().form(), Object::Form::instance);
  EXPECT_TRUE(equal(restored.as_object().keyword_arguments, instance.keyword_arguments));
  EXPECT_TRUE(equal(restored.as_object().state, instance.state));
  EXPECT_EQ(restored.as_object().list_items.size(), 2U);
  EXPECT_EQ(restored.as_object().dict_items.size(), 1U);
}

TEST(Encode, NestsAsDeepAsMemoryAllows) {
  Value value = list({});
  for (int i = 0; i < 100'000; ++i) value = list({value});
  const std::string bytes = encode(value);
  EXPECT_TRUE(equal(decoded(bytes), value));
}

// Values of every kind that a pickle alone can hold; parts of them are shared.
class RandomValue {
 public:
  explicit RandomValue(unsigned seed) : random_(seed) {}

  Value make(int depth) {
    if (!made_.empty() && chance(10)) return made_[below(made_.size())];
    Value value = depth == 0 || chance(3) ? leaf() : container(depth - 1);
    made_.push_back(value);
    return value;
  }

 private:
  std::size_t below(std::size_t bound) { return random_() % bound; }
  bool chance(unsigned one_in) { return below(one_in) == 0; }

  std::string text() {
    static const std::vector<std::string> kParts = {
        "a", "weight", "\xc3\xa9", "\xf0\x9f\x98\x80", "\n", "\\u0041", std::string("\0", 1), "'"};
    std::string result;
    while (!chance(4)) result += kParts[below(kParts.size())];
    return result;
  }

  std::int64_t integer() {
    const auto bits = static_cast<std::int64_t>(random_() << 32 ^ random_());
    return bits >> below(64);
  }

  Value leaf() {
    switch (below(9)) {
      case 0:
        return Value();
      case 1:
        return chance(2);
      case 2:
      case 3:
        return integer();
      case 4:
        return std::ldexp(static_cast<double>(integer()), static_cast<int>(below(200)) - 100);
      case 5:
        return text();
      case 6:
        return Bytes{text()};
      case 7:
        return Object::global("m" + std::to_string(below(5)), "C");
      default:
        return Object::big_int(std::string(9 + below(300), '\x55'));
    }
  }

  List items(int depth) {
    List result;
    while (!chance(5)) result.push_back(make(depth));
    return result;
  }

  Value key() { return chance(2) ? Value(text()) : tuple({integer(), text()}); }

  Value container(int depth) {
    switch (below(6)) {
      case 0:
        return items(depth);
      case 1:
        return Tuple{items(depth)};
      case 2: {
        Dict members;  // each once
        while (!chance(3)) members.set(key(), Value());
        Set set;
        for (const auto& [member, none] : members) set.items.push_back(member);
        return set;
      }
      case 3: {
        Object object = chance(2) ? Object::call(Object::global("m", "f"), Tuple{items(depth)})
                                  : Object::instance(Object::global("m", "C"), Tuple{items(depth)});
        object.list_items = items(depth);
        object.dict_items.emplace_back(key(), make(depth));
        object.state = make(depth);
        return object;
      }
      default: {
        Dict dict(chance(2) ? Dict::Type::plain : Dict::Type::ordered);
        while (!chance(6)) dict.set(key(), make(depth));
        if (dict.type() == Dict::Type::ordered && chance(3)) dict.set_attributes(make(depth));
        return dict;
      }
    }
  }

  std::mt19937_64 random_;
  List made_;
};

TEST(Encode, RestoresRandomValues) {
  for (unsigned seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    const Value value = RandomValue(seed).make(4);
    const std::string bytes = encode(value);
    const Value restored = decoded(bytes);
    ASSERT_TRUE(equal(restored, value)) << to_string(value) << '\n' << to_string(restored);
    ASSERT_EQ(encode(restored), bytes);
  }
}

}  // namespace
}  // namespace torchkeep
