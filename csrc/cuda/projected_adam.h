#pragma once

#include <cuda_runtime_api.h>

#include "common/projected_adam.h"

namespace neuralpaint::cuda {

// A step of all rows, in place: one launch.
template <typename T>
void launch_projected_adam(const ProjectedAdam<T>& adam, cudaStream_t stream);

}  // namespace neuralpaint::cuda
