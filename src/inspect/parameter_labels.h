// Names for the numbered parameters of an optimizer's state.
#pragma once

#include <map>
#include <string>

#include <torchkeep/value.h>

namespace torchkeep::inspection {

// Whether it is what an optimizer's state_dict() returns: a dict with `state` and `param_groups`.
bool is_optimizer_state(const Value& value);

// The label of each parameter of all groups, by its number as text: its name, where the groups have
// `param_names` or where the state dict in `checkpoint` has as many parameters of the same shapes
// as the optimizer; "parameter 3" otherwise.
std::map<std::string, std::string> parameter_labels(const Value& optimizer,
                                                    const Value& checkpoint);

}  // namespace torchkeep::inspection
