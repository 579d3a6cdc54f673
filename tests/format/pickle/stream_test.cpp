#include "format/pickle/stream.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "format/pickle/encode.h"
#include "format/pickle/extent.h"
#include "format/pickle/pickle_bytes.h"
#include "support/expect_error.h"

namespace torchkeep {
namespace {

using ::testing::HasSubstr;
using testing::pickle;

io::Section section_of(const std::string& text) {
  const auto bytes = testing::as_bytes(text);
  return io::Section(std::vector<std::byte>(bytes.begin(), bytes.end()));
}

std::uint64_t measure(const std::string& text, const Limits& limits = {}) {
  io::Window window(section_of(text));
  return pickle::measure_pickle(window, 0, text.size(), limits);
}

TEST(PickleExtent, StepsOverEveryFormOfArgument) {
  const std::vector<std::string> pickles = {
      pickle("N."),
      pickle("K."
             "."),
      pickle("M.."
             "."),
      pickle("J...."
             "."),
      pickle("j...."
             "."),
      pickle("\x95........."),
      pickle("G........."),
      pickle("I.1.\n."),
      pickle("c.a\n.b\n."),
      pickle("U\x02..."),
      pickle("X\x02\0\0\0..."),
      pickle("T\x02\0\0\0..."),
      pickle("\x8d\x02\0\0\0\0\0\0\0..."),
      "V" + std::string(1000, '.') + "\n.",
  };
  for (const std::string& text : pickles) {
    EXPECT_EQ(measure(text + "N."), text.size()) << text;
    for (std::size_t size = 0; size < text.size(); ++size) {
      EXPECT_ERROR(measure(text.substr(0, size)), ErrorCode::corrupt,
                   HasSubstr("the pickle ends in the middle"));
    }
  }
}

TEST(PickleExtent, RefusesBytesThatAreNoOpcodes) {
  EXPECT_ERROR(measure(pickle("NN\xff.")), ErrorCode::corrupt,
               HasSubstr("byte 2: the byte 0xff is no opcode"));
}

TEST(PickleExtent, KeepsToTheLimit) {
  Limits limits;
  limits.max_pickle_bytes = 8;
  EXPECT_EQ(measure(pickle("U\x05.....") + ".", limits), 8U);
  EXPECT_ERROR(measure(pickle("U\x06......") + ".", limits), ErrorCode::unsafe,
               HasSubstr("longer than 8 bytes (Limits::max_pickle_bytes)"));
}

TEST(PickleStream, GivesOnePickleAfterTheOther) {
  const std::string text = pickle::encode(Value(1)) + std::string("\x07\0\0\0\0\0\0\0", 8) +
                           pickle::encode(list({Value(std::string(100'000, 'x')), 2})) + "\x05" +
                           std::string(3, '\0');
  const Limits limits;
  pickle::Stream stream(section_of(text), limits);
  EXPECT_EQ(stream.next_pickle().value.as_int(), 1);
  EXPECT_EQ(stream.next_u64(), 7U);
  const std::uint64_t second = stream.position();
  EXPECT_EQ(stream.next_pickle().value[1].as_int(), 2);
  EXPECT_EQ(stream.next_u32(), 5U);
  EXPECT_EQ(stream.remaining(), 0U);
  stream.seek(second);
  EXPECT_EQ(stream.next_pickle().value[1].as_int(), 2);
  stream.skip(4);
  EXPECT_ERROR(stream.skip(1), ErrorCode::corrupt, HasSubstr("(expected 1 more bytes, got 0)"));
  EXPECT_ERROR(stream.next_u64(), ErrorCode::corrupt, HasSubstr("(expected 8 more bytes, got 0)"));
}

TEST(PickleStream, CollectsTheGlobals) {
  const std::string text = "cb\nx\n.ca\ny\n.cb\nx\n.";
  const Limits limits;
  pickle::Stream stream(section_of(text), limits);
  while (stream.remaining() > 0) stream.next_pickle();
  EXPECT_THAT(stream.globals(), ::testing::ElementsAre("a.y", "b.x"));
}

TEST(PickleStream, NamesTheByteOfTheSection) {
  const Limits limits;
  const std::string text = "N.NN.";
  pickle::Stream stream(section_of(text), limits);
  stream.next_pickle();
  EXPECT_ERROR(stream.next_pickle(), ErrorCode::corrupt, HasSubstr("byte 4: values are left"));
}

}  // namespace
}  // namespace torchkeep
