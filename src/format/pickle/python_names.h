// Names of classes and functions that Python 2 and Python 3 spell differently. Pickles of protocols
// 0 to 2 use those of Python 2; in memory there are only those of Python 3.
#pragma once

#include <string_view>
#include <utility>

namespace torchkeep::pickle {

using QualifiedName = std::pair<std::string_view, std::string_view>;  // module, name

// The results refer to the arguments or to static text.
QualifiedName to_python3(QualifiedName name);
QualifiedName to_python2(QualifiedName name);

}  // namespace torchkeep::pickle
