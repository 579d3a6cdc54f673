#include "inspect/scan_content.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fnmatch.h>

#include "base/fail.h"
#include "base/printable.h"
#include "format/pickle/python_names.h"

namespace torchkeep::inspection {
namespace {

using namespace std::string_view_literals;

constexpr int kDeepest = 4;
constexpr std::uint64_t kLeastBudget = std::uint64_t{64} << 20;
// How many pickles a file of the stacked format begins with; raw numbers follow.
constexpr int kStackedPickles = 5;
constexpr std::string_view kStackedMagic =
    "\x80\x02\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19\x2E"sv;

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Protocols 2 to 5 begin so.
bool has_protocol(std::string_view text) {
  return text.size() > 1 && text[0] == '\x80' && text[1] >= 0 && text[1] <= 5;
}

bool is_named(const pickle::GlobalUse& use) {
  return use.kind == pickle::GlobalUse::Kind::named && pickle::is_dotted_name(use.module) &&
         pickle::is_dotted_name(use.name);
}

Risk risk_of(const pickle::GlobalUse& use) {
  const auto [module, name] = pickle::to_python3({use.module, use.name});
  return risk_of_global(module, name);
}

// Whether bytes that were followed are a pickle rather than other data that happens to begin so.
bool is_pickle(std::string_view text, const pickle::Globals& globals) {
  const bool is_known = std::ranges::any_of(globals.uses, [](const pickle::GlobalUse& use) {
    return is_named(use) && risk_of(use) != Risk::unknown;
  });
  if (is_known) return true;
  if (has_protocol(text)) return globals.is_complete || std::ranges::any_of(globals.uses, is_named);
  return globals.is_complete && (!globals.uses.empty() || globals.bytes_used == text.size());
}

bool mixes_in_arrays(const pickle::Globals& globals) {
  return std::ranges::any_of(globals.uses, [](const pickle::GlobalUse& use) {
    return use.module == "joblib.numpy_pickle";
  });
}

}  // namespace

void ContentScanner::scan(std::span<const std::byte> bytes, Archive archive) {
  bytes_left_ = bytes.size() * 8 + kLeastBudget;
  waiting_.push_back({.bytes = bytes, .owner = nullptr, .record = "", .archive = archive});
  while (!waiting_.empty()) {
    const Content content = std::move(waiting_.front());
    waiting_.pop_front();
    scan(content);
  }
  if (report_.format.empty()) report_.format = "unknown";
}

void ContentScanner::scan(const Content& content) {
  if (content.bytes.size() > bytes_left_) {
    add_suspicion(content, {}, "not scanned: the file holds too much in too few bytes");
    return;
  }
  bytes_left_ -= content.bytes.size();
  if (scan_container(content)) return;
  if (scan_array(content)) return;
  if (!scan_pickles(content)) search_patterns(content, 0);
}

// Follows one pickle. Gives how many bytes it takes; 0 if there is none.
std::size_t ContentScanner::follow(const Content& content, std::size_t offset, bool& is_complete) {
  const std::span<const std::byte> rest = content.bytes.subspan(offset);
  const pickle::Globals globals = pickle::find_globals(rest, options_.limits);
  is_complete = globals.is_complete;
  if (!is_pickle(as_text(rest), globals)) return 0;
  ++report_.pickles;
  add_uses(content, offset, globals);
  if (!is_complete && !mixes_in_arrays(globals)) {
    add_suspicion(content, offset + globals.bytes_used,
                  "the pickle breaks off here: " + globals.problem);
  }
  return std::max<std::size_t>(globals.bytes_used, 1);
}

// One pickle after the other.
bool ContentScanner::scan_pickles(const Content& content) {
  const bool is_stacked = as_text(content.bytes).starts_with(kStackedMagic);
  std::size_t offset = 0;
  bool is_complete = true;
  for (int count = 0; offset < content.bytes.size() && is_complete; ++count) {
    if (is_stacked && count == kStackedPickles) break;
    const std::size_t used = follow(content, offset, is_complete);
    if (used == 0) break;
    offset += used;
  }
  if (offset == 0) return false;
  set_format(content, is_stacked ? "pt-legacy" : "pickle");
  const bool only_numbers_follow = is_stacked && is_complete;
  if (!only_numbers_follow) search_patterns(content, offset);
  return true;
}

// What cannot be followed is searched for known names: chance does not spell those.
void ContentScanner::search_patterns(const Content& content, std::size_t offset) {
  for (const pickle::GlobalUse& use : pickle::find_global_patterns(content.bytes.subspan(offset))) {
    if (risk_of(use) != Risk::unknown) add_global(content, offset, use);
  }
}

void ContentScanner::add_later(Content content) {
  if (content.depth > kDeepest) {
    add_suspicion(content, {}, "not scanned: containers are nested too deep");
    return;
  }
  waiting_.push_back(std::move(content));
}

void ContentScanner::add_uses(const Content& content,
                              std::size_t offset,
                              const pickle::Globals& globals) {
  for (const pickle::GlobalUse& use : globals.uses) add_global(content, offset, use);
  for (const pickle::Embedded& embedded : globals.embedded) {
    auto owner = std::make_shared<const std::string>(embedded.bytes);
    const std::span<const std::byte> bytes = std::as_bytes(std::span(*owner));
    add_later({.bytes = bytes,
               .owner = std::move(owner),
               .record = fmt::format("{}[bytes at {}]", content.record, offset + embedded.offset),
               .depth = content.depth + 1});
  }
}

void ContentScanner::add_global(const Content& content,
                                std::size_t offset,
                                const pickle::GlobalUse& use) {
  const auto [module, name] = pickle::to_python3({use.module, use.name});
  ScannedGlobal global;
  global.name = fmt::format("{}.{}", module, name);
  global.written = fmt::format("{}.{}", use.module, use.name);
  if (global.written == global.name) global.written.clear();
  global.record = content.record;
  global.offset = offset + use.offset;
  global.count = use.count;
  global.is_called = use.is_called;
  global.risk = risk_of_global(module, name);
  if (use.kind == pickle::GlobalUse::Kind::computed) {
    global.name = fmt::format("{}.{}", use.module.empty() ? "?" : use.module,
                              use.name.empty() ? "?" : use.name);
    global.written.clear();
    global.risk = Risk::dangerous;
    global.note = "the pickle computes the name";
  } else if (use.kind == pickle::GlobalUse::Kind::extension) {
    global.name = "copyreg extension " + use.name;
    global.written.clear();
    global.risk = Risk::unknown;
    global.note = "a number that stands for a global of the program that loads it";
  } else if (global.name == "builtins.getattr" && !use.is_passed) {
    global.risk = Risk::harmless;
    global.note = "it reaches what is listed";
  } else if (use.is_changed) {
    global.risk = Risk::dangerous;
    global.note = "the pickle changes the attributes of the global itself";
  }
  if (global.risk == Risk::unknown && is_allowed(global.name)) {
    global.risk = Risk::harmless;
    global.note = "allowed";
  }
  report_.globals.push_back(std::move(global));
}

void ContentScanner::add_suspicion(const Content& content,
                                   std::optional<std::uint64_t> offset,
                                   std::string problem) {
  constexpr std::size_t kMostSuspicions = 1000;
  const auto is_same = [&](const Suspicion& known) {
    return known.record == content.record && known.problem == problem;
  };
  const bool is_known = std::ranges::any_of(report_.suspicions, is_same);
  if (is_known || report_.suspicions.size() >= kMostSuspicions) return;
  report_.suspicions.push_back({content.record, offset, std::move(problem)});
}

bool ContentScanner::is_allowed(std::string_view name) const {
  return std::ranges::any_of(options_.allow, [&](const std::string& pattern) {
    return ::fnmatch(pattern.c_str(), std::string(name).c_str(), 0) == 0;
  });
}

void ContentScanner::set_format(const Content& content, std::string_view format) {
  if (content.depth == 0 && report_.format.empty()) report_.format = format;
}

}  // namespace torchkeep::inspection
