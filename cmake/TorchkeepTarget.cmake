# What every target of ours has in common.

# Warnings for developers. Not an error here: the developer presets set that.
add_library(torchkeep_warnings INTERFACE)
target_compile_options(torchkeep_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast
  -Woverloaded-virtual
  # GCC 12 sees overlaps and overflows inside std::string's operator+ that cannot be (GCC bugs 105651
  # and 105329). Which of them depends on what else it inlines.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict;-Wno-stringop-overflow;-Wno-stringop-overread>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds>)

# torchkeep_settings(TARGET): language level and warnings.
function(torchkeep_settings target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:torchkeep_warnings>)
  set_target_properties(${target} PROPERTIES
    CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON)
endfunction()

# A unit with LibTorch's headers needs up to 1.5 GB to compile: no more of them at once than fit.
cmake_host_system_information(RESULT torchkeep_memory_mb QUERY TOTAL_PHYSICAL_MEMORY)
math(EXPR torchkeep_libtorch_jobs "${torchkeep_memory_mb} / 1536")
if(torchkeep_libtorch_jobs LESS 1)
  set(torchkeep_libtorch_jobs 1)
endif()
set_property(GLOBAL APPEND PROPERTY JOB_POOLS torchkeep_libtorch=${torchkeep_libtorch_jobs})

# torchkeep_settings_with_torch(TARGET): for sources that include LibTorch, whose headers cost 15
# seconds and a gigabyte for each translation unit: several sources are compiled as one.
function(torchkeep_settings_with_torch target)
  torchkeep_settings(${target})
  target_compile_definitions(${target} PUBLIC TORCHKEEP_WITH_TORCH)
  set_target_properties(${target} PROPERTIES
    JOB_POOL_COMPILE torchkeep_libtorch
    UNITY_BUILD ON
    UNITY_BUILD_MODE BATCH
    UNITY_BUILD_BATCH_SIZE 8)
endfunction()
