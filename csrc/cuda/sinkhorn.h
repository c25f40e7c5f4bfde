#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "common/shapes.h"

// Sinkhorn iterations on the GPU; the formulas are those of cpu/sinkhorn.h, all arithmetic in the type of the masses
// (T: float or double) and in the log domain. One thread block an image, or a cluster of them. Deterministic: no
// atomics, fixed order of sums, which depends on how many blocks a cluster has: on the batch and the device. A mass
// that is negative, not finite or all zero makes its cost NaN.
namespace neuralpaint::cuda {

// Elements of T that the launches below need in global memory; 0 if an image's maps fit into shared memory.
template <typename T>
int64_t sinkhorn_workspace(const SinkhornShape& shape);

// cost [batch]; potentials [batch, 2 * iterations, height, width].
template <typename T>
void launch_sinkhorn(const T* mass_x, const T* mass_y, T* cost, T* potentials, T* workspace, const SinkhornShape& shape,
                     cudaStream_t stream);

template <typename T>
void launch_sinkhorn_backward(const T* grad, const T* mass_x, const T* mass_y, const T* potentials, T* grad_x,
                              T* grad_y, T* workspace, const SinkhornShape& shape, cudaStream_t stream);

}  // namespace neuralpaint::cuda
