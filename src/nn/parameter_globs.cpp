#include "nn/parameter_globs.h"

#include <algorithm>
#include <set>

#include "base/fail.h"
#include "base/glob.h"

namespace torchkeep {
namespace parameter_globs_detail {

constexpr std::size_t kMaxNamesInMessage = 20;

std::string list_names(const std::vector<NamedTensor>& parameters) {
  std::string text;
  for (std::size_t i = 0; i < std::min(parameters.size(), kMaxNamesInMessage); ++i) {
    text += (i == 0 ? "" : ", ") + parameters[i].name;
  }
  if (parameters.size() > kMaxNamesInMessage) {
    text += fmt::format(" and {} more", parameters.size() - kMaxNamesInMessage);
  }
  return text;
}

}  // namespace parameter_globs_detail

void fail_no_parameter(const std::string& what, const std::vector<NamedTensor>& parameters) {
  fail_at(ErrorCode::not_found, {},
          parameters.empty()
              ? "the module has no parameters"
              : "the parameters are " + parameter_globs_detail::list_names(parameters),
          "{}", what);
}

std::vector<NamedTensor> matching_parameters(const torch::nn::Module& module,
                                             const std::vector<std::string>& globs) {
  const std::vector<NamedTensor> parameters = all_parameters(module);
  std::set<std::size_t> chosen;
  for (const std::string& glob : globs) {
    bool found = false;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const std::string& name = parameters[i].name;
      if (!matches_glob(glob, name) && !matches_glob(glob + ".*", name)) continue;
      found = true;
      chosen.insert(i);
    }
    if (!found) fail_no_parameter(fmt::format("no parameter matches '{}'", glob), parameters);
  }
  std::vector<NamedTensor> result;
  for (const std::size_t i : chosen) result.push_back(parameters[i]);
  return result;
}

}  // namespace torchkeep
