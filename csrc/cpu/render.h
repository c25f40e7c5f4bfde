// render on the CPU: strokes composited in order onto canvases, without maps in memory.
#pragma once

#include <cstdint>

#include "common/shapes.h"
#include "common/texture.h"

namespace neuralpaint::cpu {

// canvas [batch, 3, height, width] under strokes [batch, strokes, P] -> out, of the canvas's shape.
template <typename T>
void render(const T* canvas, const T* strokes, int kind, const TextureAtlas& atlas, const RenderShape<T>& shape,
            T* out);

// Derivatives by the canvas and by the strokes.
template <typename T>
void render_backward(const T* grad, const T* canvas, const T* strokes, int kind, const TextureAtlas& atlas,
                     const RenderShape<T>& shape, T* grad_canvas, T* grad_strokes);

// The losses of what render() draws, without the picture: losses [batch, 2] = sums of w|d| and of w d^2, and the
// derivatives of their weighted sum by the strokes. Draws once where forward and backward draw twice.
template <typename T>
void render_loss(const Comparison<T>& comparison, const T* canvas, const T* strokes, int kind,
                 const TextureAtlas& atlas, const RenderShape<T>& shape, T* losses, T* grad_strokes);

}  // namespace neuralpaint::cpu
