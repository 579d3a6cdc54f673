# CMake generated Testfile for 
# Source directory: /work/wt-lead/tests
# Build directory: /work/wt-lead/build-core/tests
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
include("/work/wt-lead/build-core/tests/torchkeep_core_tests[1]_include.cmake")
subdirs("support")
subdirs("base")
subdirs("io")
subdirs("data")
subdirs("format")
subdirs("inspect")
subdirs("train")
subdirs("cli")
subdirs("interop")
