// Launchers of render_paths and its backward pass. They know no torch.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <functional>

#include "common/paths.h"

namespace neuralpaint::cuda {

// Memory on the device, of at least so many bytes, that lasts until the stream has done what is launched here.
using Allocate = std::function<void*(int64_t bytes)>;

// As cpu::render_paths, with all but what `shape` points to on the device. How many lines the curves make is known on
// the device first, so the host waits for it: a CUDA graph cannot hold this.
// Throws std::runtime_error if the paths need too much memory, or CUDA fails.
template <typename T>
void launch_render_paths(const T* canvas, const PathValues<T>& values, const PathShape& shape, T* output,
                         const Allocate& allocate, cudaStream_t stream);

// As cpu::render_paths_backward. Sums are added up in a fixed order.
template <typename T>
void launch_render_paths_backward(const T* grad, const T* canvas, const PathValues<T>& values, const PathShape& shape,
                                  T* grad_canvas, const PathGradients<T>& grads, const Allocate& allocate,
                                  cudaStream_t stream);

}  // namespace neuralpaint::cuda
