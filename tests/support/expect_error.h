// Expecting an Error with its code and its text.
#pragma once

#include <torchkeep/error.h>

#include <gmock/gmock.h>

// Runs `statement`, which must throw a torchkeep::Error of that code whose text matches `matcher`.
#define EXPECT_ERROR(statement, expected_code, matcher)                           \
  try {                                                                           \
    statement;                                                                    \
    ADD_FAILURE() << "no error was thrown by " #statement;                        \
  } catch (const ::torchkeep::Error& error) {                                     \
    EXPECT_EQ(::torchkeep::name(error.code()), ::torchkeep::name(expected_code)); \
    EXPECT_THAT(error.what(), matcher);                                           \
  }                                                                               \
  static_assert(true, "asks for a semicolon")
