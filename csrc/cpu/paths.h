#pragma once

#include "common/paths.h"

// Filled and stroked paths of cubic Bezier segments, drawn in order with exact coverage of their flattened outlines.
namespace neuralpaint::cpu {

// canvas, output [batch, 3, height, width].
template <typename T>
void render_paths(const T* canvas, const PathValues<T>& values, const PathShape& shape, T* output);

// Coverage and canvases under the paths are recomputed, in portions of bounded size.
template <typename T>
void render_paths_backward(const T* grad, const T* canvas, const PathValues<T>& values, const PathShape& shape,
                           T* grad_canvas, const PathGradients<T>& grads);

}  // namespace neuralpaint::cpu
