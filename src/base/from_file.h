// Arguments that come from a file.
#pragma once

#include "base/fail.h"

namespace torchkeep {

// What `make()` gives. Where it finds its arguments invalid, the file that they are from is
// corrupt.
template <class Make>
auto from_file(Make make) {
  try {
    return make();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::invalid_argument) throw;
    fail_at(ErrorCode::corrupt, error.place(), error.advice(), "{}", error.problem());
  }
}

}  // namespace torchkeep
