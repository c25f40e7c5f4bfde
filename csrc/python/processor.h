// Which instructions this processor has, as its own words tell: the kernels are built once a level, and code of a level
// that the processor lacks would end the process.
#pragma once

#include <string>
#include <vector>

namespace neuralpaint {

// Instruction sets by the names of the compilers' macros, without underscores at the ends: AVX2, AVX512F, ...
// Those of `names` that this processor, or the operating system on it, does not have. Unknown names count as missing.
std::vector<std::string> missing_features(const std::vector<std::string>& names);

// What a level needs: x86-64-v2, -v3 or -v4 (System V psABI); nothing for any other name.
std::vector<std::string> level_features(const std::string& level);

}  // namespace neuralpaint
