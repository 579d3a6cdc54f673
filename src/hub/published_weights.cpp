// Facts about the weights that torchvision's authors publish: one row for each file.
#include <algorithm>
#include <limits>

#include <torchkeep/hub.h>

#include <fmt/ranges.h>

#include "base/fail.h"
#include "base/similar.h"

namespace torchkeep {

namespace published_weights_detail {

constexpr auto kBilinear = Interpolation::bilinear;
constexpr auto kBicubic = Interpolation::bicubic;
constexpr bool kDefault = true;
constexpr double kNotMeasured = std::numeric_limits<double>::quiet_NaN();

Preprocessing preset(int resize,
                     int crop,
                     Interpolation interpolation,
                     Normalisation normalisation) {
  return {.resize = resize,
          .crop = crop,
          .interpolation = interpolation,
          .normalisation = std::move(normalisation),
          .channels = 3};
}

// clang-format off
const std::vector<PublishedWeights>& table() {
  const Normalisation kImageNet = {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};
  const Normalisation kHalf = {{0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}};
  // For a network without classifier that other projects build on.
  const Normalisation kCaffe = {{0.48235, 0.45882, 0.40784}, {1 / 255.0, 1 / 255.0, 1 / 255.0}};
  static const std::vector<PublishedWeights> rows = {
    {"alexnet", "IMAGENET1K_V1", "alexnet-owt-7be5be79.pth", 61100840, 56.522, 79.066, preset(256, 224, kBilinear, kImageNet), kDefault},
    {"convnext_base", "IMAGENET1K_V1", "convnext_base-6075fbad.pth", 88591464, 84.062, 96.87, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"convnext_large", "IMAGENET1K_V1", "convnext_large-ea097f82.pth", 197767336, 84.414, 96.976, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"convnext_small", "IMAGENET1K_V1", "convnext_small-0c510722.pth", 50223688, 83.616, 96.65, preset(230, 224, kBilinear, kImageNet), kDefault},
    {"convnext_tiny", "IMAGENET1K_V1", "convnext_tiny-983f1562.pth", 28589128, 82.52, 96.146, preset(236, 224, kBilinear, kImageNet), kDefault},
    {"densenet121", "IMAGENET1K_V1", "densenet121-a639ec97.pth", 7978856, 74.434, 91.972, preset(256, 224, kBilinear, kImageNet), kDefault},
    {"densenet161", "IMAGENET1K_V1", "densenet161-8d451a50.pth", 28681000, 77.138, 93.56, preset(256, 224, kBilinear, kImageNet), kDefault},
    {"densenet169", "IMAGENET1K_V1", "densenet169-b2777c0a.pth", 14149480, 75.6, 92.806, preset(256, 224, kBilinear, kImageNet), kDefault},
    {"densenet201", "IMAGENET1K_V1", "densenet201-c1103571.pth", 20013928, 76.896, 93.37, preset(256, 224, kBilinear, kImageNet), kDefault},
    {"efficientnet_b0", "IMAGENET1K_V1", "efficientnet_b0_rwightman-3dd342df.pth", 5288548, 77.692, 93.532, preset(256, 224, kBicubic, kImageNet), kDefault},
    {"efficientnet_b1", "IMAGENET1K_V1", "efficientnet_b1_rwightman-533bc792.pth", 7794184, 78.642, 94.186, preset(256, 240, kBicubic, kImageNet)},
    {"efficientnet_b1", "IMAGENET1K_V2", "efficientnet_b1-c27df63c.pth", 7794184, 79.838, 94.934, preset(255, 240, kBilinear, kImageNet), kDefault},
    {"efficientnet_b2", "IMAGENET1K_V1", "efficientnet_b2_rwightman-bcdf34b7.pth", 9109994, 80.608, 95.31, preset(288, 288, kBicubic, kImageNet), kDefault},
    {"efficientnet_b3", "IMAGENET1K_V1", "efficientnet_b3_rwightman-cf984f9c.pth", 12233232, 82.008, 96.054, preset(320, 300, kBicubic, kImageNet), kDefault},
    {"efficientnet_b4", "IMAGENET1K_V1", "efficientnet_b4_rwightman-7eb33cd5.pth", 19341616, 83.384, 96.594, preset(384, 380, kBicubic, kImageNet), kDefault},
    {"efficientnet_b5", "IMAGENET1K_V1", "efficientnet_b5_lukemelas-b6417697.pth", 30389784, 83.444, 96.628, preset(456, 456, kBicubic, kImageNet), kDefault},
    {"efficientnet_b6", "IMAGENET1K_V1", "efficientnet_b6_lukemelas-c76e70fd.pth", 43040704, 84.008, 96.916, preset(528, 528, kBicubic, kImageNet), kDefault},
    {"efficientnet_b7", "IMAGENET1K_V1", "efficientnet_b7_lukemelas-dcc49843.pth", 66347960, 84.122, 96.908, preset(600, 600, kBicubic, kImageNet), kDefault},
    {"efficientnet_v2_l", "IMAGENET1K_V1", "efficientnet_v2_l-59c71312.pth", 118515272, 85.808, 97.788, preset(480, 480, kBicubic, kHalf), kDefault},
    {"efficientnet_v2_m", "IMAGENET1K_V1", "efficientnet_v2_m-dc08266a.pth", 54139356, 85.112, 97.156, preset(480, 480, kBilinear, kImageNet), kDefault},
    {"efficientnet_v2_s", "IMAGENET1K_V1", "efficientnet_v2_s-dd5fe13b.pth", 21458488, 84.228, 96.878, preset(384, 384, kBilinear, kImageNet), kDefault},
    {"googlenet", "IMAGENET1K_V1", "googlenet-1378be20.pth", 6624904, 69.778, 89.53, preset(256, 224, kBilinear, kImageNet), kDefault},
    {"inception_v3", "IMAGENET1K_V1", "inception_v3_google-0cc3c7bd.pth", 27161264, 77.294, 93.45, preset(342, 299, kBilinear, kImageNet), kDefault},
    {"mnasnet0_5", "IMAGENET1K_V1", "mnasnet0.5_top1_67.823-3ffadce67e.pth", 2218512, 67.734, 87.49, preset(256, 224, kBilinear, kImageNet), kDefault},
    {"mnasnet0_75", "IMAGENET1K_V1", "mnasnet0_75-7090bc5f.pth", 3170208, 71.18, 90.496, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"mnasnet1_0", "IMAGENET1K_V1", "mnasnet1.0_top1_73.512-f206786ef8.pth", 4383312, 73.456, 91.51, preset(256, 224, kBilinear, kImageNet), kDefault},
    {"mnasnet1_3", "IMAGENET1K_V1", "mnasnet1_3-a4c69d6f.pth", 6282256, 76.506, 93.522, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"mobilenet_v2", "IMAGENET1K_V1", "mobilenet_v2-b0353104.pth", 3504872, 71.878, 90.286, preset(256, 224, kBilinear, kImageNet)},
    {"mobilenet_v2", "IMAGENET1K_V2", "mobilenet_v2-7ebf99e0.pth", 3504872, 72.154, 90.822, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"mobilenet_v3_large", "IMAGENET1K_V1", "mobilenet_v3_large-8738ca79.pth", 5483032, 74.042, 91.34, preset(256, 224, kBilinear, kImageNet)},
    {"mobilenet_v3_large", "IMAGENET1K_V2", "mobilenet_v3_large-5c1a4163.pth", 5483032, 75.274, 92.566, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"mobilenet_v3_small", "IMAGENET1K_V1", "mobilenet_v3_small-047dcff4.pth", 2542856, 67.668, 87.402, preset(256, 224, kBilinear, kImageNet), kDefault},
    {"regnet_x_16gf", "IMAGENET1K_V1", "regnet_x_16gf-2007eb11.pth", 54278536, 80.058, 94.944, preset(256, 224, kBilinear, kImageNet)},
    {"regnet_x_16gf", "IMAGENET1K_V2", "regnet_x_16gf-ba3796d7.pth", 54278536, 82.716, 96.196, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"regnet_x_1_6gf", "IMAGENET1K_V1", "regnet_x_1_6gf-e3633e7f.pth", 9190136, 77.04, 93.44, preset(256, 224, kBilinear, kImageNet)},
    {"regnet_x_1_6gf", "IMAGENET1K_V2", "regnet_x_1_6gf-a12f2b72.pth", 9190136, 79.668, 94.922, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"regnet_x_32gf", "IMAGENET1K_V1", "regnet_x_32gf-9d47f8d0.pth", 107811560, 80.622, 95.248, preset(256, 224, kBilinear, kImageNet)},
    {"regnet_x_32gf", "IMAGENET1K_V2", "regnet_x_32gf-6eb8fdc6.pth", 107811560, 83.014, 96.288, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"regnet_x_3_2gf", "IMAGENET1K_V1", "regnet_x_3_2gf-f342aeae.pth", 15296552, 78.364, 93.992, preset(256, 224, kBilinear, kImageNet)},
    {"regnet_x_3_2gf", "IMAGENET1K_V2", "regnet_x_3_2gf-7071aa85.pth", 15296552, 81.196, 95.43, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"regnet_x_400mf", "IMAGENET1K_V1", "regnet_x_400mf-adf1edd5.pth", 5495976, 72.834, 90.95, preset(256, 224, kBilinear, kImageNet)},
    {"regnet_x_400mf", "IMAGENET1K_V2", "regnet_x_400mf-62229a5f.pth", 5495976, 74.864, 92.322, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"regnet_x_800mf", "IMAGENET1K_V1", "regnet_x_800mf-ad17e45c.pth", 7259656, 75.212, 92.348, preset(256, 224, kBilinear, kImageNet)},
    {"regnet_x_800mf", "IMAGENET1K_V2", "regnet_x_800mf-94a99ebd.pth", 7259656, 77.522, 93.826, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"regnet_x_8gf", "IMAGENET1K_V1", "regnet_x_8gf-03ceed89.pth", 39572648, 79.344, 94.686, preset(256, 224, kBilinear, kImageNet)},
    {"regnet_x_8gf", "IMAGENET1K_V2", "regnet_x_8gf-2b70d774.pth", 39572648, 81.682, 95.678, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"regnet_y_128gf", "IMAGENET1K_SWAG_E2E_V1", "regnet_y_128gf_swag-c8ce3e52.pth", 644812894, 88.228, 98.682, preset(384, 384, kBicubic, kImageNet), kDefault},
    {"regnet_y_128gf", "IMAGENET1K_SWAG_LINEAR_V1", "regnet_y_128gf_lc_swag-cbe8ce12.pth", 644812894, 86.068, 97.844, preset(224, 224, kBicubic, kImageNet)},
    {"regnet_y_16gf", "IMAGENET1K_V1", "regnet_y_16gf-9e6ed7dd.pth", 83590140, 80.424, 95.24, preset(256, 224, kBilinear, kImageNet)},
    {"regnet_y_16gf", "IMAGENET1K_V2", "regnet_y_16gf-3e4a00f9.pth", 83590140, 82.886, 96.328, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"regnet_y_16gf", "IMAGENET1K_SWAG_E2E_V1", "regnet_y_16gf_swag-43afe44d.pth", 83590140, 86.012, 98.054, preset(384, 384, kBicubic, kImageNet)},
    {"regnet_y_16gf", "IMAGENET1K_SWAG_LINEAR_V1", "regnet_y_16gf_lc_swag-f3ec0043.pth", 83590140, 83.976, 97.244, preset(224, 224, kBicubic, kImageNet)},
    {"regnet_y_1_6gf", "IMAGENET1K_V1", "regnet_y_1_6gf-b11a554e.pth", 11202430, 77.95, 93.966, preset(256, 224, kBilinear, kImageNet)},
    {"regnet_y_1_6gf", "IMAGENET1K_V2", "regnet_y_1_6gf-0d7bc02a.pth", 11202430, 80.876, 95.444, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"regnet_y_32gf", "IMAGENET1K_V1", "regnet_y_32gf-4dee3f7a.pth", 145046770, 80.878, 95.34, preset(256, 224, kBilinear, kImageNet)},
    {"regnet_y_32gf", "IMAGENET1K_V2", "regnet_y_32gf-8db6d4b5.pth", 145046770, 83.368, 96.498, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"regnet_y_32gf", "IMAGENET1K_SWAG_E2E_V1", "regnet_y_32gf_swag-04fdfa75.pth", 145046770, 86.838, 98.362, preset(384, 384, kBicubic, kImageNet)},
    {"regnet_y_32gf", "IMAGENET1K_SWAG_LINEAR_V1", "regnet_y_32gf_lc_swag-e1583746.pth", 145046770, 84.622, 97.48, preset(224, 224, kBicubic, kImageNet)},
    {"regnet_y_3_2gf", "IMAGENET1K_V1", "regnet_y_3_2gf-b5a9779c.pth", 19436338, 78.948, 94.576, preset(256, 224, kBilinear, kImageNet)},
    {"regnet_y_3_2gf", "IMAGENET1K_V2", "regnet_y_3_2gf-9180c971.pth", 19436338, 81.982, 95.972, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"regnet_y_400mf", "IMAGENET1K_V1", "regnet_y_400mf-c65dace8.pth", 4344144, 74.046, 91.716, preset(256, 224, kBilinear, kImageNet)},
    {"regnet_y_400mf", "IMAGENET1K_V2", "regnet_y_400mf-e6988f5f.pth", 4344144, 75.804, 92.742, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"regnet_y_800mf", "IMAGENET1K_V1", "regnet_y_800mf-1b27b58c.pth", 6432512, 76.42, 93.136, preset(256, 224, kBilinear, kImageNet)},
    {"regnet_y_800mf", "IMAGENET1K_V2", "regnet_y_800mf-58fc7688.pth", 6432512, 78.828, 94.502, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"regnet_y_8gf", "IMAGENET1K_V1", "regnet_y_8gf-d0d0e4a8.pth", 39381472, 80.032, 95.048, preset(256, 224, kBilinear, kImageNet)},
    {"regnet_y_8gf", "IMAGENET1K_V2", "regnet_y_8gf-dc2b1b54.pth", 39381472, 82.828, 96.33, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"resnet101", "IMAGENET1K_V1", "resnet101-63fe2227.pth", 44549160, 77.374, 93.546, preset(256, 224, kBilinear, kImageNet)},
    {"resnet101", "IMAGENET1K_V2", "resnet101-cd907fc2.pth", 44549160, 81.886, 95.78, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"resnet152", "IMAGENET1K_V1", "resnet152-394f9c45.pth", 60192808, 78.312, 94.046, preset(256, 224, kBilinear, kImageNet)},
    {"resnet152", "IMAGENET1K_V2", "resnet152-f82ba261.pth", 60192808, 82.284, 96.002, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"resnet18", "IMAGENET1K_V1", "resnet18-f37072fd.pth", 11689512, 69.758, 89.078, preset(256, 224, kBilinear, kImageNet), kDefault},
    {"resnet34", "IMAGENET1K_V1", "resnet34-b627a593.pth", 21797672, 73.314, 91.42, preset(256, 224, kBilinear, kImageNet), kDefault},
    {"resnet50", "IMAGENET1K_V1", "resnet50-0676ba61.pth", 25557032, 76.13, 92.862, preset(256, 224, kBilinear, kImageNet)},
    {"resnet50", "IMAGENET1K_V2", "resnet50-11ad3fa6.pth", 25557032, 80.858, 95.434, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"resnext101_32x8d", "IMAGENET1K_V1", "resnext101_32x8d-8ba56ff5.pth", 88791336, 79.312, 94.526, preset(256, 224, kBilinear, kImageNet)},
    {"resnext101_32x8d", "IMAGENET1K_V2", "resnext101_32x8d-110c445d.pth", 88791336, 82.834, 96.228, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"resnext101_64x4d", "IMAGENET1K_V1", "resnext101_64x4d-173b62eb.pth", 83455272, 83.246, 96.454, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"resnext50_32x4d", "IMAGENET1K_V1", "resnext50_32x4d-7cdf4587.pth", 25028904, 77.618, 93.698, preset(256, 224, kBilinear, kImageNet)},
    {"resnext50_32x4d", "IMAGENET1K_V2", "resnext50_32x4d-1a0047aa.pth", 25028904, 81.198, 95.34, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"shufflenet_v2_x0_5", "IMAGENET1K_V1", "shufflenetv2_x0.5-f707e7126e.pth", 1366792, 60.552, 81.746, preset(256, 224, kBilinear, kImageNet), kDefault},
    {"shufflenet_v2_x1_0", "IMAGENET1K_V1", "shufflenetv2_x1-5666bf0f80.pth", 2278604, 69.362, 88.316, preset(256, 224, kBilinear, kImageNet), kDefault},
    {"shufflenet_v2_x1_5", "IMAGENET1K_V1", "shufflenetv2_x1_5-3c479a10.pth", 3503624, 72.996, 91.086, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"shufflenet_v2_x2_0", "IMAGENET1K_V1", "shufflenetv2_x2_0-8be3c8ee.pth", 7393996, 76.23, 93.006, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"squeezenet1_0", "IMAGENET1K_V1", "squeezenet1_0-b66bff10.pth", 1248424, 58.092, 80.42, preset(256, 224, kBilinear, kImageNet), kDefault},
    {"squeezenet1_1", "IMAGENET1K_V1", "squeezenet1_1-b8a52dc0.pth", 1235496, 58.178, 80.624, preset(256, 224, kBilinear, kImageNet), kDefault},
    {"vgg11", "IMAGENET1K_V1", "vgg11-8a719046.pth", 132863336, 69.02, 88.628, preset(256, 224, kBilinear, kImageNet), kDefault},
    {"vgg11_bn", "IMAGENET1K_V1", "vgg11_bn-6002323d.pth", 132868840, 70.37, 89.81, preset(256, 224, kBilinear, kImageNet), kDefault},
    {"vgg13", "IMAGENET1K_V1", "vgg13-19584684.pth", 133047848, 69.928, 89.246, preset(256, 224, kBilinear, kImageNet), kDefault},
    {"vgg13_bn", "IMAGENET1K_V1", "vgg13_bn-abd245e5.pth", 133053736, 71.586, 90.374, preset(256, 224, kBilinear, kImageNet), kDefault},
    {"vgg16", "IMAGENET1K_V1", "vgg16-397923af.pth", 138357544, 71.592, 90.382, preset(256, 224, kBilinear, kImageNet), kDefault},
    {"vgg16", "IMAGENET1K_FEATURES", "vgg16_features-amdegroot-88682ab5.pth", 138357544, kNotMeasured, kNotMeasured, preset(256, 224, kBilinear, kCaffe)},
    {"vgg16_bn", "IMAGENET1K_V1", "vgg16_bn-6c64b313.pth", 138365992, 73.36, 91.516, preset(256, 224, kBilinear, kImageNet), kDefault},
    {"vgg19", "IMAGENET1K_V1", "vgg19-dcbb9e9d.pth", 143667240, 72.376, 90.876, preset(256, 224, kBilinear, kImageNet), kDefault},
    {"vgg19_bn", "IMAGENET1K_V1", "vgg19_bn-c79401a0.pth", 143678248, 74.218, 91.842, preset(256, 224, kBilinear, kImageNet), kDefault},
    {"wide_resnet101_2", "IMAGENET1K_V1", "wide_resnet101_2-32ee1156.pth", 126886696, 78.848, 94.284, preset(256, 224, kBilinear, kImageNet)},
    {"wide_resnet101_2", "IMAGENET1K_V2", "wide_resnet101_2-d733dc28.pth", 126886696, 82.51, 96.02, preset(232, 224, kBilinear, kImageNet), kDefault},
    {"wide_resnet50_2", "IMAGENET1K_V1", "wide_resnet50_2-95faca4d.pth", 68883240, 78.468, 94.086, preset(256, 224, kBilinear, kImageNet)},
    {"wide_resnet50_2", "IMAGENET1K_V2", "wide_resnet50_2-9ba9bcbe.pth", 68883240, 81.602, 95.758, preset(232, 224, kBilinear, kImageNet), kDefault},
  };
  return rows;
}
// clang-format on

bool is_hexadecimal(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

}  // namespace published_weights_detail

std::string PublishedWeights::sha256_prefix() const {
  namespace detail = published_weights_detail;
  for (std::size_t dash = file.find('-'); dash != file.npos; dash = file.find('-', dash + 1)) {
    const auto begin = file.begin() + static_cast<std::ptrdiff_t>(dash) + 1;
    const auto end = std::find_if_not(begin, file.end(), detail::is_hexadecimal);
    if (end != begin && end != file.end() && *end == '.') return std::string(begin, end);
  }
  return "";
}

const std::vector<PublishedWeights>& published_weights() {
  return published_weights_detail::table();
}

std::vector<PublishedWeights> published_weights(std::string_view architecture) {
  std::vector<PublishedWeights> found;
  for (const PublishedWeights& row : published_weights()) {
    if (row.architecture == architecture) found.push_back(row);
  }
  return found;
}

const PublishedWeights* find_published_weights(std::string_view architecture,
                                               std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot != name.npos && name.substr(0, dot).ends_with("_Weights")) name = name.substr(dot + 1);
  const auto& rows = published_weights();
  const auto found = std::ranges::find_if(rows, [&](const PublishedWeights& row) {
    return row.architecture == architecture &&
           (row.name == name || row.file == name || (name == "DEFAULT" && row.is_default));
  });
  return found == rows.end() ? nullptr : &*found;
}

const PublishedWeights& published_weights(std::string_view architecture, std::string_view name) {
  if (const PublishedWeights* found = find_published_weights(architecture, name)) return *found;
  std::vector<std::string_view> names = {};
  for (const PublishedWeights& row : published_weights()) {
    if (row.architecture == architecture) names.push_back(row.name);
  }
  if (!names.empty()) {
    fail(ErrorCode::not_found, "no weights {} are published for {} (there are DEFAULT, {})", name,
         architecture, fmt::join(names, ", "));
  }
  for (const PublishedWeights& row : published_weights()) names.push_back(row.architecture);
  const auto meant = most_similar(architecture, names);
  fail_at(ErrorCode::not_found, {}, meant ? fmt::format("did you mean '{}'?", *meant) : "",
          "no weights are published for {}", architecture);
}

}  // namespace torchkeep
