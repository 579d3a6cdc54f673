#include "cli/usage_error.h"

#include <cctype>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/similar.h"

namespace torchkeep::cli {
namespace {

// The program itself, or the command that was given.
const CLI::App& active_app(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : *chosen.front();
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

std::string unknown(std::string_view kind,
                    std::string_view given,
                    const std::vector<std::string>& known) {
  const std::vector<std::string_view> candidates(known.begin(), known.end());
  const auto similar = most_similar(given, candidates);
  return fmt::format("unknown {} '{}'{}", kind, given,
                     similar ? fmt::format("; did you mean '{}'?", *similar) : "");
}

std::string explain_extra(const CLI::App& program, const CLI::App& active, std::string extra) {
  if (extra.starts_with('-')) {
    return unknown("option", extra.substr(0, extra.find('=')), option_names(active));
  }
  if (&active == &program) return unknown("command", extra, command_names(program));
  return fmt::format("unexpected argument '{}'", extra);
}

// As our other messages: lower case, no full stop. A name in capitals stays.
std::string sentence(std::string text) {
  const bool is_name = text.size() > 1 && std::isupper(text[1]);
  if (!text.empty() && !is_name) text.front() = static_cast<char>(std::tolower(text.front()));
  while (!text.empty() && (text.back() == '.' || text.back() == '\n')) text.pop_back();
  return text;
}

}  // namespace

std::string explain_usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& active = active_app(app);
  const std::vector<std::string> extras = app.remaining(/*recurse=*/true);
  const std::string problem =
      extras.empty() ? sentence(error.what()) : explain_extra(app, active, extras.front());
  if (&active == &app) return problem + " (see 'torchkeep --help')";
  return fmt::format("{0}: {1} (see 'torchkeep {0} --help')", active.get_name(), problem);
}

}  // namespace torchkeep::cli
