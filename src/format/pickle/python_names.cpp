#include "format/pickle/python_names.h"

#include <algorithm>
#include <array>

namespace torchkeep::pickle {
namespace {

enum class Direction { both, to_python3_only };

struct Module {
  std::string_view python2;
  std::string_view python3;
  Direction direction = Direction::both;
};

struct Name {
  QualifiedName python2;
  QualifiedName python3;
  Direction direction = Direction::both;
};

constexpr auto kModules = std::to_array<Module>({
    {"__builtin__", "builtins"},
    {"copy_reg", "copyreg"},
    {"exceptions", "builtins", Direction::to_python3_only},
    {"Queue", "queue"},
    {"SocketServer", "socketserver"},
    {"ConfigParser", "configparser"},
    {"repr", "reprlib"},
    {"thread", "_thread"},
    {"dummy_thread", "_dummy_thread"},
    {"markupbase", "_markupbase"},
    {"_winreg", "winreg"},
    {"dbhash", "dbm.bsd"},
    {"dumbdbm", "dbm.dumb"},
    {"dbm", "dbm.ndbm"},
    {"gdbm", "dbm.gnu"},
    {"anydbm", "dbm"},
    {"whichdb", "dbm", Direction::to_python3_only},
    {"xmlrpclib", "xmlrpc.client"},
    {"httplib", "http.client"},
    {"htmlentitydefs", "html.entities"},
    {"HTMLParser", "html.parser"},
    {"Cookie", "http.cookies"},
    {"cookielib", "http.cookiejar"},
    {"BaseHTTPServer", "http.server"},
    {"SimpleHTTPServer", "http.server", Direction::to_python3_only},
    {"CGIHTTPServer", "http.server", Direction::to_python3_only},
    {"test.test_support", "test.support"},
    {"commands", "subprocess"},
    {"urlparse", "urllib.parse"},
    {"robotparser", "urllib.robotparser"},
    {"urllib2", "urllib.request"},
    {"_abcoll", "collections.abc"},
    {"cPickle", "pickle"},
    {"_elementtree", "xml.etree.ElementTree"},
    {"UserDict", "collections", Direction::to_python3_only},
    {"UserList", "collections", Direction::to_python3_only},
    {"UserString", "collections", Direction::to_python3_only},
    {"StringIO", "io", Direction::to_python3_only},
    {"cStringIO", "io", Direction::to_python3_only},
});

constexpr auto kNames = std::to_array<Name>({
    {{"__builtin__", "xrange"}, {"builtins", "range"}},
    {{"__builtin__", "reduce"}, {"functools", "reduce"}},
    {{"__builtin__", "intern"}, {"sys", "intern"}},
    {{"__builtin__", "unichr"}, {"builtins", "chr"}},
    {{"__builtin__", "unicode"}, {"builtins", "str"}},
    {{"__builtin__", "basestring"}, {"builtins", "str"}, Direction::to_python3_only},
    {{"__builtin__", "long"}, {"builtins", "int"}},
    {{"itertools", "izip"}, {"builtins", "zip"}},
    {{"itertools", "imap"}, {"builtins", "map"}},
    {{"itertools", "ifilter"}, {"builtins", "filter"}},
    {{"itertools", "ifilterfalse"}, {"itertools", "filterfalse"}},
    {{"itertools", "izip_longest"}, {"itertools", "zip_longest"}},
    {{"UserDict", "IterableUserDict"}, {"collections", "UserDict"}},
    {{"UserList", "UserList"}, {"collections", "UserList"}},
    {{"UserString", "UserString"}, {"collections", "UserString"}},
    {{"whichdb", "whichdb"}, {"dbm", "whichdb"}},
    {{"_socket", "fromfd"}, {"socket", "fromfd"}},
    {{"_multiprocessing", "Connection"}, {"multiprocessing.connection", "Connection"}},
    {{"multiprocessing.process", "Process"}, {"multiprocessing.context", "Process"}},
    {{"multiprocessing.forking", "Popen"}, {"multiprocessing.popen_fork", "Popen"}},
    {{"urllib", "ContentTooShortError"}, {"urllib.error", "ContentTooShortError"}},
    {{"urllib", "quote"}, {"urllib.parse", "quote"}},
    {{"urllib", "quote_plus"}, {"urllib.parse", "quote_plus"}},
    {{"urllib", "unquote"}, {"urllib.parse", "unquote"}},
    {{"urllib", "unquote_plus"}, {"urllib.parse", "unquote_plus"}},
    {{"urllib", "urlencode"}, {"urllib.parse", "urlencode"}},
    {{"urllib", "getproxies"}, {"urllib.request", "getproxies"}},
    {{"urllib", "pathname2url"}, {"urllib.request", "pathname2url"}},
    {{"urllib", "url2pathname"}, {"urllib.request", "url2pathname"}},
    {{"urllib", "urlcleanup"}, {"urllib.request", "urlcleanup"}},
    {{"urllib", "urlopen"}, {"urllib.request", "urlopen"}},
    {{"urllib", "urlretrieve"}, {"urllib.request", "urlretrieve"}},
    {{"urllib2", "HTTPError"}, {"urllib.error", "HTTPError"}},
    {{"urllib2", "URLError"}, {"urllib.error", "URLError"}},
    {{"exceptions", "StandardError"}, {"builtins", "Exception"}, Direction::to_python3_only},
});

// Exceptions that Python 2 has in a module of their own.
constexpr auto kExceptions = std::to_array<std::string_view>({
    "ArithmeticError",
    "AssertionError",
    "AttributeError",
    "BaseException",
    "BufferError",
    "BytesWarning",
    "DeprecationWarning",
    "EOFError",
    "EnvironmentError",
    "Exception",
    "FloatingPointError",
    "FutureWarning",
    "GeneratorExit",
    "IOError",
    "ImportError",
    "ImportWarning",
    "IndentationError",
    "IndexError",
    "KeyError",
    "KeyboardInterrupt",
    "LookupError",
    "MemoryError",
    "NameError",
    "NotImplementedError",
    "OSError",
    "OverflowError",
    "PendingDeprecationWarning",
    "ReferenceError",
    "RuntimeError",
    "RuntimeWarning",
    "StopIteration",
    "SyntaxError",
    "SyntaxWarning",
    "SystemError",
    "SystemExit",
    "TabError",
    "TypeError",
    "UnboundLocalError",
    "UnicodeDecodeError",
    "UnicodeEncodeError",
    "UnicodeError",
    "UnicodeTranslateError",
    "UnicodeWarning",
    "UserWarning",
    "ValueError",
    "Warning",
    "ZeroDivisionError",
});

}  // namespace

QualifiedName to_python3(QualifiedName name) {
  const auto whole = std::ranges::find(kNames, name, &Name::python2);
  if (whole != kNames.end()) return whole->python3;
  const auto module = std::ranges::find(kModules, name.first, &Module::python2);
  if (module != kModules.end()) name.first = module->python3;
  return name;
}

QualifiedName to_python2(QualifiedName name) {
  const auto whole = std::ranges::find_if(kNames, [&](const Name& entry) {
    return entry.direction == Direction::both && entry.python3 == name;
  });
  if (whole != kNames.end()) return whole->python2;
  if (name.first == "builtins" &&
      std::ranges::find(kExceptions, name.second) != kExceptions.end()) {
    name.first = "exceptions";
    return name;
  }
  const auto module = std::ranges::find_if(kModules, [&](const Module& entry) {
    return entry.direction == Direction::both && entry.python3 == name.first;
  });
  if (module != kModules.end()) name.first = module->python2;
  return name;
}

}  // namespace torchkeep::pickle
