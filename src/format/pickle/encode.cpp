#include "format/pickle/encode.h"

#include "format/pickle/pickler.h"

namespace torchkeep::pickle {

std::string encode(const Value& value, const EncodeHooks& hooks) {
  return Pickler(hooks).run(value);
}

}  // namespace torchkeep::pickle
