#pragma once

#include <cstdint>

// Sequential soft blending h_t = alpha_t * c_t + (1 - alpha_t) * h_{t-1} on dense planar maps.
// Layouts: canvas [batch, 3, pixels], foreground [batch, strokes, 3, pixels], alpha [batch, strokes, pixels].
namespace neuralpaint::cpu {

template <typename T>
void composite(const T* canvas, const T* foreground, const T* alpha, T* output, int64_t batch, int64_t strokes,
               int64_t pixels);

// Needs no forward result: the canvases under the strokes are recomputed, a cache-sized chunk of pixels at a time.
template <typename T>
void composite_backward(const T* grad, const T* canvas, const T* foreground, const T* alpha, T* grad_canvas,
                        T* grad_foreground, T* grad_alpha, int64_t batch, int64_t strokes, int64_t pixels);

}  // namespace neuralpaint::cpu
