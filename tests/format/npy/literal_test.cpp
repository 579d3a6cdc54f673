#include "format/npy/literal.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "support/expect_error.h"

namespace torchkeep::npy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(NpyLiteral, ReadsWhatNumPyWrites) {
  const HeaderFields fields =
      parse_literal("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }          \n");
  EXPECT_EQ(fields.descr, "<f4");
  EXPECT_FALSE(fields.fortran_order);
  EXPECT_THAT(fields.shape, ElementsAre(3, 4));
}

TEST(NpyLiteral, ReadsOtherSpellings) {
  const HeaderFields fields =
      parse_literal(" {\"shape\":(3L,\n),\t'fortran_order':True,'descr':\"|u1\"}");
  EXPECT_EQ(fields.descr, "|u1");
  EXPECT_TRUE(fields.fortran_order);
  EXPECT_THAT(fields.shape, ElementsAre(3));
  EXPECT_THAT(parse_literal("{'descr':'<i8','fortran_order':False,'shape':()}").shape,
              ElementsAre());
  EXPECT_THAT(parse_literal("{'descr':'<i8','fortran_order':False,'shape':(0,1,2)}").shape,
              ElementsAre(0, 1, 2));
}

TEST(NpyLiteral, RefusesEverythingElse) {
  const std::vector<std::pair<std::string, std::string>> texts = {
      {"", "no '{'"},
      {"[]", "no '{'"},
      {"{", "no string"},
      {"{}", "lacks one of"},
      {"{} x", "after the end"},
      {"{'descr': '<f4', 'shape': (3,)}", "lacks one of"},
      {"{'descr': '<f4', 'descr': '<f4'}", "a key twice"},
      {"{'shape': (1,), 'shape': (1,)}", "a key twice"},
      {"{'fortran_order': True, 'fortran_order': True}", "a key twice"},
      {"{'x': 1}", "an unknown key"},
      {"{descr: 1}", "no string"},
      {"{'descr' '<f4'}", "no ':'"},
      {"{'descr': '<f4' 'shape': (1,)}", "no '}'"},
      {"{'descr': 4}", "no string"},
      {"{'descr': '<f4", "a string without end"},
      {"{'descr': '\\x3cf4'}", "an escape"},
      {"{'fortran_order': 1}", "neither True nor False"},
      {"{'fortran_order': false}", "neither True nor False"},
      {"{'shape': 3}", "no '('"},
      {"{'shape': [3]}", "no '('"},
      {"{'shape': (3)}", "a number where a tuple belongs"},
      {"{'shape': (-3,)}", "no size"},
      {"{'shape': (3, 4}", "no ')'"},
      {"{'shape': (3,,)}", "no size"},
      {"{'shape': (99999999999999999999,)}", "no size"},
      {"{'shape': (2**4,)}", "a number where a tuple"},
      {"{'shape': (__import__('os'),)}", "no size"},
  };
  for (const auto& [text, problem] : texts) {
    SCOPED_TRACE(text);
    EXPECT_ERROR(parse_literal(text), ErrorCode::corrupt, HasSubstr(problem));
  }
}

TEST(NpyLiteral, RefusesRecordsAndManyDimensions) {
  EXPECT_ERROR(parse_literal("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,)}"),
               ErrorCode::unsupported, HasSubstr("records with fields"));
  std::string sizes;
  for (int i = 0; i < 65; ++i) sizes += "1,";
  EXPECT_ERROR(parse_literal("{'shape': (" + sizes + ")}"), ErrorCode::unsupported,
               HasSubstr("more than 64 dimensions"));
}

}  // namespace
}  // namespace torchkeep::npy
