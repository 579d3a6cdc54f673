#include "format/legacy/header.h"

#include <string_view>

#include "base/fail.h"
#include "format/pickle/encode.h"

namespace torchkeep::legacy {
namespace {

using namespace std::string_view_literals;

constexpr std::int64_t kProtocolVersion = 1001;
constexpr std::string_view kMagicDigits =  // two's complement of 0x1950a86a20f9469cfc6c
    "\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19"sv;
// The rest of the pickle of that number, after PROTO, and after FRAME since protocol 4.
constexpr std::string_view kMagicPickle = "\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19."sv;
constexpr std::string_view kMagicFrame = "\x95\x0D\0\0\0\0\0\0\0"sv;
// The whole pickle in protocols 0 and 1.
constexpr std::string_view kMagicDecimal = "L119547037146038801333356L\n.";
constexpr char kProto = '\x80';
constexpr char kNewestProtocol = 5;

}  // namespace

bool begins_with_magic(std::string_view bytes) {
  if (bytes.starts_with(kMagicDecimal)) return true;
  if (bytes.size() < 2 || bytes[0] != kProto || bytes[1] < 2 || bytes[1] > kNewestProtocol) {
    return false;
  }
  bytes.remove_prefix(2);
  if (bytes.starts_with(kMagicFrame)) bytes.remove_prefix(kMagicFrame.size());
  return bytes.starts_with(kMagicPickle);
}

CountOrder count_order(const Value& sys_info) {
  const Value* little_endian = sys_info.find("little_endian");
  const bool is_big =
      little_endian != nullptr && little_endian->is_bool() && !little_endian->as_bool();
  return is_big ? CountOrder::big : CountOrder::little;
}

std::uint64_t decode_count(std::uint64_t little_endian, CountOrder order) {
  return order == CountOrder::little ? little_endian : __builtin_bswap64(little_endian);
}

CountOrder read_header(pickle::Stream& stream) {
  const Value magic = stream.next_pickle().value;
  if (!magic.is_object() || magic.as_object().form() != Object::Form::big_int ||
      magic.as_object().digits() != kMagicDigits) {
    fail(ErrorCode::corrupt, "the file does not begin with the number of its format");
  }
  const Value version = stream.next_pickle().value;
  if (!version.is_int() || version.as_int() != kProtocolVersion) {
    fail(ErrorCode::unsupported, "the file has another protocol version (expected {}, got {})",
         kProtocolVersion, to_string(version, {.max_depth = 1, .max_items = 1}));
  }
  const Value sys_info = stream.next_pickle().value;
  if (!sys_info.is_dict()) {
    fail(ErrorCode::corrupt, "what describes the machine is a {} (expected a dict)",
         name(sys_info.kind()));
  }
  return count_order(sys_info);
}

std::string encode_header() {
  const Value sys_info = dict({{"protocol_version", kProtocolVersion},
                               {"little_endian", true},
                               {"type_sizes", dict({{"short", 2}, {"int", 4}, {"long", 4}})}});
  return pickle::encode(Object::big_int(std::string(kMagicDigits))) +
         pickle::encode(kProtocolVersion) + pickle::encode(sys_info);
}

}  // namespace torchkeep::legacy
