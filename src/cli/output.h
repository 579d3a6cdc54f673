// Standard output and standard error of the programs.
#pragma once

#include <string_view>

namespace torchkeep::cli {

// Call first. Makes sure that no file which is opened later gets the number of a closed standard
// stream, and that a reader who went away (`torchkeep inspect model.pt | head`) ends neither the
// process nor a training.
void guard_standard_streams();

// Writes the whole text to standard output at once. Text for a reader who went away is dropped.
// Throws io if it cannot be written for another reason, such as a full disk.
void write_output(std::string_view text);

// Writes `torchkeep: message` and a line end to standard error.
void write_error(std::string_view message);

// Writes the text as it is to standard error.
void write_error_text(std::string_view text);

}  // namespace torchkeep::cli
