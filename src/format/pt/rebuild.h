// The calls with which torch.save describes tensors.
#pragma once

#include <optional>
#include <string_view>

#include <torchkeep/limits.h>
#include <torchkeep/value.h>

#include "format/pt/content_checks.h"

namespace torchkeep::pt {

// The tensor that `callee(*arguments)` makes. Nothing for a call that makes none, or one that a
// Tensor cannot be: it is checked all the same where it is known.
// Throws corrupt for arguments that cannot be right; unsafe for a tensor over
// Limits::max_logical_bytes.
std::optional<Value> rebuild(const Object& callee,
                             const List& arguments,
                             const Limits& limits,
                             ContentChecks& checks);

// Throws corrupt, "CALL with WHAT".
void expect(bool holds, const Object& callee, std::string_view what);

// A tuple of sizes or strides, or a torch.Size.
Shape as_shape(const Value& value, const Object& callee);

// Checks the arguments of the calls that make sparse tensors of the known layouts.
void check_sparse(const Object& callee, const List& arguments, ContentChecks& checks);

// The quantisation of `tensor`, as it stands in the arguments of _rebuild_qtensor. Nothing for a
// scheme that torchkeep does not know.
std::optional<Quantizer> as_quantizer(const Value& parameters,
                                      const Tensor& tensor,
                                      const Object& callee,
                                      ContentChecks& checks);
// Its inverse.
Value quantization(const Quantizer& quantizer);

}  // namespace torchkeep::pt
