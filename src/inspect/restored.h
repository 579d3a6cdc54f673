// What could be read of a damaged file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <torchkeep/repair.h>
#include <torchkeep/value.h>

namespace torchkeep::inspection {

// What is known of the bytes of a storage.
struct StorageState {
  std::uint64_t bytes = 0;                                               // of the storage
  RestoredTensor::Condition content = RestoredTensor::Condition::whole;  // of what is there
  std::uint64_t available = 0;                                           // bytes from its start on
  std::string reason;  // what is wrong; empty if nothing is
};

struct Restored {
  Value value;
  // By the first byte of the storage's memory, which none of the others overlaps. What lies in none
  // of them is whole.
  std::map<const std::byte*, StorageState> storages;
  std::vector<std::string> notes;
  bool has_value = false;
};

// Lists the tensors of the value with their condition, and which of them may be kept.
std::vector<RestoredTensor> list_tensors(const Restored& restored, const RepairOptions& options);

// Takes everything out of the value that holds a tensor which may not be kept: entries of dicts
// and items of sets; items of lists become None. A tuple, and an object with such an argument, is
// lost as a whole. False if nothing is left.
bool prune(Restored& restored, const RepairOptions& options);

}  // namespace torchkeep::inspection
