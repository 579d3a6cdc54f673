// The version of torchkeep.
#pragma once

#define TORCHKEEP_VERSION_MAJOR 0
#define TORCHKEEP_VERSION_MINOR 1
#define TORCHKEEP_VERSION_PATCH 0
#define TORCHKEEP_VERSION "0.1.0"
