#include <torchkeep/scan.h>

#include <gtest/gtest.h>

namespace torchkeep {
namespace {

void expect(Risk risk, std::initializer_list<std::pair<const char*, const char*>> globals) {
  for (const auto& [module, name_of_global] : globals) {
    EXPECT_EQ(name(risk_of_global(module, name_of_global)), name(risk))
        << module << "." << name_of_global;
  }
}

TEST(RiskOfGlobal, IsDataForWhatCheckpointsConsistOf) {
  expect(Risk::data, {{"collections", "OrderedDict"},
                      {"torch._utils", "_rebuild_tensor_v2"},
                      {"torch", "FloatStorage"},
                      {"torch.cuda", "HalfStorage"},
                      {"torch.storage", "UntypedStorage"},
                      {"torch.nn.parameter", "Parameter"},
                      {"numpy.core.multiarray", "_reconstruct"},
                      {"builtins", "set"},
                      {"argparse", "Namespace"},
                      {"pathlib", "PosixPath"},
                      {"__torch__.___torch_mangle_1.Net", "Net"}});
}

TEST(RiskOfGlobal, IsHarmlessForKnownClasses) {
  expect(Risk::harmless, {{"torch.optim.sgd", "SGD"},
                          {"torch.nn.modules.conv", "Conv2d"},
                          {"torchvision.models.resnet", "BasicBlock"},
                          {"torch", "float32"},
                          {"torch.nn.functional", "relu"},
                          {"functools", "partial"},
                          {"omegaconf.dictconfig", "DictConfig"}});
}

TEST(RiskOfGlobal, IsDangerousForWhatRunsCode) {
  expect(Risk::dangerous, {{"os", "system"},
                           {"posix", "system"},
                           {"os.path", "join"},
                           {"builtins", "eval"},
                           {"builtins", "getattr"},
                           {"subprocess", "Popen"},
                           {"importlib", "import_module"},
                           {"torch", "load"},
                           {"torch.hub", "load"},
                           {"torch.utils.cpp_extension", "load_inline"},
                           {"torch.fx.graph_module", "reduce_graph_module"},
                           {"numpy", "load"},
                           {"operator", "attrgetter"},
                           {"pip._internal.cli.main", "main"},
                           {"types", "FunctionType"}});
}

TEST(RiskOfGlobal, IsDangerousForNamesThatLeadThere) {
  expect(Risk::dangerous, {{"torch", "serialization.os.system"},
                           {"collections", "abc.sys.modules"},
                           {"collections", "OrderedDict.__init__.__globals__"},
                           {"pathlib", "PosixPath.write_text"},
                           {"builtins", "__import__"},
                           {"bdb", "Bdb.run"}});
}

TEST(RiskOfGlobal, IsUnknownForTheRest) {
  expect(Risk::unknown, {{"my_project.models", "Net"},
                         {"__main__", "Net"},
                         {"torch.nn.modules.conv", "some_function"},
                         {"osmnx", "Graph"},
                         {"codebase.code", "Net"},
                         {"my_project", "Net.Inner"},
                         {"builtins", "dict.get"},
                         {"", ""}});
}

}  // namespace
}  // namespace torchkeep
