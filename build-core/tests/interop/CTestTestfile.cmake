# CMake generated Testfile for 
# Source directory: /work/wt-lead/tests/interop
# Build directory: /work/wt-lead/build-core/tests/interop
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
