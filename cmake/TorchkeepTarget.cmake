# What every target of ours has in common.

# Warnings for developers. Not an error here: the developer presets set that.
add_library(torchkeep_warnings INTERFACE)
target_compile_options(torchkeep_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast
  -Woverloaded-virtual)

# torchkeep_settings(TARGET): language level and warnings.
function(torchkeep_settings target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:torchkeep_warnings>)
  set_target_properties(${target} PROPERTIES
    CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON)
endfunction()

# torchkeep_settings_with_torch(TARGET): for sources that include LibTorch, whose headers cost 15
# seconds and a gigabyte for each translation unit: several sources are compiled as one.
function(torchkeep_settings_with_torch target)
  torchkeep_settings(${target})
  target_compile_definitions(${target} PUBLIC TORCHKEEP_WITH_TORCH)
  set_target_properties(${target} PROPERTIES
    UNITY_BUILD ON
    UNITY_BUILD_MODE BATCH
    UNITY_BUILD_BATCH_SIZE 8)
endfunction()
