# What `cmake --install` puts where, and the package that find_package(torchkeep) finds.
#
# One export set a component, so that the core can be used where there is no LibTorch.
include(CMakePackageConfigHelpers)

set(torchkeep_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/torchkeep")

# torchkeep_install_component(COMPONENT LIBRARY)
function(torchkeep_install_component component library)
  install(TARGETS ${library} EXPORT torchkeep-${component}-targets FILE_SET HEADERS)
  install(EXPORT torchkeep-${component}-targets
    NAMESPACE torchkeep::
    DESTINATION ${torchkeep_package_dir})
endfunction()

torchkeep_install_component(core torchkeep_core)
if(torchkeep_with_torch)
  torchkeep_install_component(torchkeep torchkeep_full)
endif()

if(torchkeep_build_programs)
  install(TARGETS torchkeep_program)
  if(torchkeep_with_torch)
    install(TARGETS torchkeep_torch_program
      RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/torchkeep)
  endif()
endif()

# A static library leaves its own dependencies to whoever links it.
get_target_property(torchkeep_library_type torchkeep_core TYPE)
if(torchkeep_library_type STREQUAL "STATIC_LIBRARY")
  set(torchkeep_is_static TRUE)
else()
  set(torchkeep_is_static FALSE)
endif()
configure_package_config_file(
  ${CMAKE_CURRENT_LIST_DIR}/torchkeep-config.cmake.in
  ${PROJECT_BINARY_DIR}/torchkeep-config.cmake
  INSTALL_DESTINATION ${torchkeep_package_dir}
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/torchkeep-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/torchkeep-config.cmake
  ${PROJECT_BINARY_DIR}/torchkeep-config-version.cmake
  DESTINATION ${torchkeep_package_dir})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE
  DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/licenses/torchkeep)
