// rasterize on the CPU: each stroke alone on its own canvas, as a foreground and an alpha matte.
#pragma once

#include <cstdint>

#include "common/shapes.h"
#include "common/texture.h"

namespace neuralpaint::cpu {

// strokes [count, P] -> foreground [count, 3, height, width], alpha [count, 1, height, width]. kSame stores T; the
// other formats are rounded from it (bytes: round(255 x)).
template <typename T>
void rasterize(const T* strokes, int64_t count, int kind, const TextureAtlas& atlas, int height, int width, T softness,
               Output output, void* foreground, void* alpha);

// Derivatives by the strokes, [count, P], of what float-valued rasterize computes.
template <typename T>
void rasterize_backward(const T* grad_foreground, const T* grad_alpha, const T* strokes, int64_t count, int kind,
                        const TextureAtlas& atlas, int height, int width, T softness, T* grad);

}  // namespace neuralpaint::cpu
