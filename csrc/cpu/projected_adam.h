#pragma once

#include "common/projected_adam.h"

namespace neuralpaint::cpu {

// A step of all rows, in place.
template <typename T>
void projected_adam(const ProjectedAdam<T>& adam);

}  // namespace neuralpaint::cpu
