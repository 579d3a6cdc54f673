#include <algorithm>
#include <array>
#include <cstdint>

#include <torchkeep/dtype.h>
#include <torchkeep/scan.h>

namespace torchkeep {
namespace {

// How the name of a global must look.
enum class Names : std::uint8_t {
  all,      // any
  classes,  // each part begins with a capital letter, as classes do
  listed    // it is one of a list
};

struct Rule {
  std::string_view module;  // "a.b" is that module; "a.b*" also those below it
  Names names = Names::all;
  std::string_view list = {};  // separated by blanks; "x*" is a beginning, "*x" an end
};

constexpr auto kData = std::to_array<Rule>({
    {"collections", Names::listed, "OrderedDict Counter defaultdict deque"},
    {"builtins", Names::listed,
     "set frozenset bytearray bytes complex list dict tuple int float str bool slice range object "
     "Ellipsis NotImplemented"},
    {"_codecs", Names::listed, "encode"},
    {"copyreg", Names::listed, "_reconstructor __newobj__ __newobj_ex__"},
    {"datetime", Names::listed, "datetime date time timedelta timezone"},
    {"decimal", Names::listed, "Decimal"},
    {"fractions", Names::listed, "Fraction"},
    {"uuid", Names::listed, "UUID SafeUUID"},
    {"argparse", Names::listed, "Namespace"},
    {"types", Names::listed, "SimpleNamespace"},
    {"pathlib", Names::classes},
    {"pathlib._local", Names::classes},
    {"numpy", Names::listed,
     "ndarray dtype bool_ bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 "
     "float64 longdouble complex64 complex128 str_ bytes_ datetime64 timedelta64"},
    {"numpy.dtypes", Names::classes},
    {"numpy.core.multiarray", Names::listed, "_reconstruct scalar"},
    {"numpy._core.multiarray", Names::listed, "_reconstruct scalar"},
    {"numpy.core.numeric", Names::listed, "_frombuffer"},
    {"numpy._core.numeric", Names::listed, "_frombuffer"},
    {"numpy.ma.core", Names::listed, "_mareconstruct MaskedArray"},
    {"numpy.random._pickle", Names::listed,
     "__randomstate_ctor __generator_ctor __bit_generator_ctor"},
    {"numpy.random._mt19937", Names::listed, "MT19937"},
    {"numpy.random._pcg64", Names::listed, "PCG64 PCG64DXSM"},
    {"torch", Names::listed,
     "*Storage Tensor *Tensor Size device dtype per_tensor_affine per_tensor_symmetric "
     "per_channel_affine per_channel_symmetric per_channel_affine_float_qparams strided "
     "sparse_coo sparse_csr contiguous_format preserve_format channels_last"},
    {"torch.cuda", Names::listed, "*Storage *Tensor"},
    {"torch.sparse", Names::listed, "*Tensor"},
    {"torch.storage", Names::listed, "*Storage"},
    {"torch._utils", Names::listed, "_rebuild_*"},
    {"torch._tensor", Names::listed, "_rebuild_from_type_v2"},
    {"torch.tensor", Names::listed, "_rebuild_from_type_v2"},
    {"torch.nn.parameter", Names::listed,
     "Parameter Buffer UninitializedParameter "
     "UninitializedBuffer"},
    {"torch.serialization", Names::listed, "_get_layout"},
    {"torch.jit._pickle", Names::listed, "build_* restore_type_tag"},
    {"torch.distributed.checkpoint.metadata", Names::all},
    {"torch.distributed.checkpoint.filesystem", Names::listed, "_StorageInfo"},
    {"torch.distributed._shard.checkpoint.metadata", Names::all},
    {"__torch__*", Names::classes},
});

constexpr auto kHarmless = std::to_array<Rule>({
    {"builtins", Names::listed, "*Error *Warning Exception BaseException StopIteration"},
    {"torch._C", Names::listed, "_VariableFunctionsClass _VariableFunctionsClass.* _nn _nn.*"},
    {"ast", Names::listed, "literal_eval"},
    {"collections", Names::classes},
    {"enum", Names::classes},
    {"functools", Names::listed, "partial"},
    {"joblib.numpy_pickle", Names::listed, "NumpyArrayWrapper NDArrayWrapper ZNDArrayWrapper"},
    {"lightning.fabric.utilities.data", Names::classes},
    {"lightning.pytorch.callbacks*", Names::classes},
    {"lightning.pytorch.utilities*", Names::classes},
    {"lightning_fabric*", Names::classes},
    {"logging", Names::listed, "getLogger Logger RootLogger"},
    {"math", Names::all},
    {"numpy", Names::classes},
    {"omegaconf*", Names::classes},
    {"pytorch_lightning.callbacks*", Names::classes},
    {"pytorch_lightning.utilities*", Names::classes},
    {"scipy.sparse*", Names::listed, "*_matrix *_array"},
    {"sklearn*", Names::classes},
    {"timm.layers*", Names::classes},
    {"timm.models*", Names::classes},
    {"torch", Names::listed,
     "float* int* uint* bool complex* bfloat16 half double long short qint* "
     "quint* bits* Generator"},
    {"torch.amp.grad_scaler", Names::classes},
    {"torch.cuda.amp.grad_scaler", Names::classes},
    {"torch.distributions*", Names::classes},
    {"torch.functional", Names::all},
    {"torch.nn.functional", Names::all},
    {"torch.nn.init", Names::all},
    {"torch.nn.modules*", Names::classes},
    {"torch.nn.parallel*", Names::classes},
    {"torch.nn.utils*", Names::classes},
    {"torch.optim*", Names::classes},
    {"torch.utils.data*", Names::classes},
    {"torch.utils.hooks", Names::classes},
    {"torchvision.models*", Names::classes},
    {"torchvision.ops*", Names::classes},
    {"torchvision.transforms*", Names::classes},
    {"transformers.training_args*", Names::classes},
    {"transformers.trainer_utils", Names::classes},
});

constexpr auto kDangerous = std::to_array<Rule>({
    {"builtins", Names::listed,
     "eval exec compile open __import__ getattr setattr delattr input breakpoint globals locals "
     "vars apply execfile file help reload __build_class__ exit quit"},
    {"_frozen_importlib*"},
    {"_io"},
    {"_operator"},
    {"_osx_support"},
    {"_pickle"},
    {"_posixsubprocess"},
    {"_pyrepl*"},
    {"_socket"},
    {"_ssl"},
    {"_testcapi"},
    {"_thread"},
    {"_xxsubinterpreters"},
    {"aiohttp*"},
    {"antigravity"},
    {"asyncio*"},
    {"asyncore"},
    {"atexit"},
    {"bdb"},
    {"bz2"},
    {"cProfile"},
    {"cgi"},
    {"cgitb"},
    {"cloudpickle*"},
    {"cmd"},
    {"code"},
    {"codecs"},
    {"codeop"},
    {"compileall"},
    {"concurrent*"},
    {"contextlib"},
    {"ctypes*"},
    {"curses*"},
    {"dbm*"},
    {"dill*"},
    {"dis"},
    {"distutils*"},
    {"doctest"},
    {"ensurepip*"},
    {"faulthandler"},
    {"fileinput"},
    {"ftplib"},
    {"gc"},
    {"genericpath"},
    {"getpass"},
    {"glob"},
    {"gzip"},
    {"http*"},
    {"httpx*"},
    {"idlelib*"},
    {"imaplib"},
    {"imp"},
    {"importlib*"},
    {"inspect"},
    {"io"},
    {"jinja2*"},
    {"lib2to3*"},
    {"linecache"},
    {"logging.config*"},
    {"logging.handlers"},
    {"lzma"},
    {"mailbox"},
    {"mailcap"},
    {"marshal"},
    {"mmap"},
    {"modulefinder"},
    {"multiprocessing*"},
    {"nntplib"},
    {"nt"},
    {"ntpath"},
    {"operator"},
    {"os*"},
    {"paramiko*"},
    {"pdb"},
    {"pickle"},
    {"pickletools"},
    {"pip*"},
    {"pipes"},
    {"pkg_resources*"},
    {"pkgutil"},
    {"platform"},
    {"poplib"},
    {"posix"},
    {"posixpath"},
    {"profile"},
    {"pstats"},
    {"pty"},
    {"py_compile"},
    {"pyclbr"},
    {"pydoc*"},
    {"readline"},
    {"requests*"},
    {"rlcompleter"},
    {"runpy"},
    {"sched"},
    {"select"},
    {"selectors"},
    {"setuptools*"},
    {"shelve"},
    {"shlex"},
    {"shutil"},
    {"signal"},
    {"site"},
    {"smtpd"},
    {"smtplib"},
    {"socket"},
    {"socketserver"},
    {"sqlite3*"},
    {"ssl"},
    {"subprocess"},
    {"sys"},
    {"sysconfig*"},
    {"syslog"},
    {"tarfile"},
    {"telnetlib"},
    {"tempfile"},
    {"test.support*"},
    {"test.libregrtest*"},
    {"threading"},
    {"timeit"},
    {"tkinter*"},
    {"trace"},
    {"tracemalloc"},
    {"turtle*"},
    {"unittest*"},
    {"urllib*"},
    {"venv*"},
    {"weakref"},
    {"webbrowser"},
    {"wsgiref*"},
    {"xmlrpc*"},
    {"zipapp"},
    {"zipfile*"},
    {"zipimport"},
    {"functools", Names::listed, "reduce partialmethod singledispatch cached_property"},
    {"types", Names::listed, "CodeType FunctionType LambdaType ModuleType MethodType GenericAlias"},
    {"logging", Names::listed, "*Handler basicConfig config handlers"},
    {"pathlib", Names::listed, "Path.* PosixPath.* PurePath.* PurePosixPath.* WindowsPath.*"},
    {"pathlib._local", Names::listed, "Path.* PosixPath.* WindowsPath.*"},
    {"uuid", Names::listed, "_get_command_stdout _popen getnode _*_getnode"},
    {"joblib*", Names::listed, "load dump Parallel Memory delayed*"},
    {"keras*", Names::listed, "load* Lambda deserialize* func_load"},
    {"tensorflow*", Names::listed, "load* read_file write_file py_function Lambda"},
    {"numpy", Names::listed, "load loads save savez fromfile memmap genfromtxt loadtxt"},
    {"numpy.lib*"},
    {"numpy.f2py*"},
    {"numpy.distutils*"},
    {"numpy.testing*"},
    {"numpy.ctypeslib*"},
    {"pandas*", Names::listed, "read_* to_pickle eval"},
    {"torch", Names::listed, "load save hub jit compile ops classes _ops package from_file"},
    {"torch._C", Names::listed, "*from_file *load* _jit*"},
    {"torch._dynamo*"},
    {"torch._inductor*"},
    {"torch._ops"},
    {"torch._appdirs"},
    {"torch.cpp*"},
    {"torch.fx*"},
    {"torch.hub"},
    {"torch.jit", Names::all},
    {"torch.jit._script", Names::all},
    {"torch.jit._serialization"},
    {"torch.multiprocessing*"},
    {"torch.onnx*"},
    {"torch.package*"},
    {"torch.testing*"},
    {"torch.distributed.run"},
    {"torch.distributed.launch*"},
    {"torch.distributed.elastic*"},
    {"torch.distributed.rpc*"},
    {"torch.serialization", Names::listed, "load save _load _legacy_load _open* _save"},
    {"torch.storage", Names::listed, "_load_from_bytes"},
    {"torch.utils.bottleneck*"},
    {"torch.utils.collect_env"},
    {"torch.utils.cpp_extension"},
    {"torch.utils._config_module"},
    {"torch.utils.data.datapipes.utils*"},
    {"torch.utils.model_zoo"},
    {"torch.utils.hipify*"},
    {"yaml*", Names::listed, "load* unsafe_load* full_load* UnsafeLoader Loader"},
});

bool matches_pattern(std::string_view pattern, std::string_view text) {
  if (pattern.starts_with('*')) return text.ends_with(pattern.substr(1));
  if (pattern.ends_with('*')) return text.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == text;
}

// "a.b*" stands for a.b and a.b.c, not for a.bc.
bool matches_module(std::string_view pattern, std::string_view module) {
  if (!pattern.ends_with('*')) return pattern == module;
  const std::string_view stem = pattern.substr(0, pattern.size() - 1);
  return module == stem || (module.starts_with(stem) && module[stem.size()] == '.');
}

// Calls `holds` for each part between separators until it gives false.
template <class Holds>
bool all_parts(std::string_view text, char separator, Holds holds) {
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    if (!holds(text.substr(begin, end - begin))) return false;
    begin = end + 1;
  }
  return true;
}

bool is_listed(std::string_view list, std::string_view name) {
  return !all_parts(list, ' ',
                    [&](std::string_view entry) { return !matches_pattern(entry, name); });
}

bool is_class_name(std::string_view name) {
  return all_parts(name, '.', [](std::string_view part) {
    const std::string_view letters =
        part.substr(std::min(part.find_first_not_of('_'), part.size()));
    return !letters.empty() && letters[0] >= 'A' && letters[0] <= 'Z';
  });
}

bool matches(const Rule& rule, std::string_view module, std::string_view name) {
  if (!matches_module(rule.module, module)) return false;
  switch (rule.names) {
    case Names::all:
      return true;
    case Names::classes:
      return is_class_name(name);
    case Names::listed:
      return is_listed(rule.list, name);
  }
  return false;
}

template <class Rules>
bool matches_any(const Rules& rules, std::string_view module, std::string_view name) {
  return std::ranges::any_of(rules, [&](const Rule& rule) { return matches(rule, module, name); });
}

bool is_dunder(std::string_view part) {
  return part.size() > 4 && part.starts_with("__") && part.ends_with("__");
}

// A name with dots walks from attribute to attribute, and so to what a module has imported or to
// the insides of a function: `torch` `serialization.os.system`.
bool leads_to_danger(std::string_view module, std::string_view name) {
  const std::size_t first_dot = name.find('.');
  if (first_dot == std::string_view::npos) return is_dunder(name);
  if (matches_any(kDangerous, module, name.substr(0, first_dot))) return true;
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    const std::string_view rest = name.substr(std::min(end + 1, name.size()));
    if (is_dunder(part)) return true;
    // An attribute may have the name of a module by chance; these are no chance.
    if (rest.empty() ? is_listed("builtins importlib os posix subprocess sys", part)
                     : matches_any(kDangerous, part, rest)) {
      return true;
    }
    begin = end + 1;
  }
  return false;
}

}  // namespace

std::string_view name(Risk risk) {
  constexpr std::array<std::string_view, 4> kNames = {"data", "harmless", "unknown", "dangerous"};
  return kNames[static_cast<std::size_t>(risk)];
}

Risk risk_of_global(std::string_view module, std::string_view name) {
  if (matches_any(kDangerous, module, name)) return Risk::dangerous;
  if (matches_any(kData, module, name)) return Risk::data;
  if (leads_to_danger(module, name)) return Risk::dangerous;
  if (matches_any(kHarmless, module, name)) return Risk::harmless;
  return Risk::unknown;
}

}  // namespace torchkeep
