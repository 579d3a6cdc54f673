# CMake generated Testfile for 
# Source directory: /work/wt-lead/tests/base
# Build directory: /work/wt-lead/build-core/tests/base
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
