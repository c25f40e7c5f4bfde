#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "common/shapes.h"
#include "common/texture.h"

// Strokes composited in order onto canvases; layouts and meaning as in cpu/render.h. Deterministic: no atomics.
namespace neuralpaint::cuda {

// Bytes of device memory that launch_render needs beside its arguments.
template <typename T>
int64_t render_workspace(int kind, const RenderShape<T>& shape);

template <typename T>
void launch_render(const T* canvas, const T* strokes, int kind, const TextureAtlas& atlas, const RenderShape<T>& shape,
                   T* out, void* workspace, cudaStream_t stream);

template <typename T>
int64_t render_backward_workspace(int kind, const RenderShape<T>& shape);

template <typename T>
void launch_render_backward(const T* grad, const T* canvas, const T* strokes, int kind, const TextureAtlas& atlas,
                            const RenderShape<T>& shape, T* grad_canvas, T* grad_strokes, void* workspace,
                            cudaStream_t stream);

template <typename T>
int64_t render_loss_workspace(int kind, const RenderShape<T>& shape);

// losses [batch, 2] and grad_strokes as in cpu/render.h.
template <typename T>
void launch_render_loss(const Comparison<T>& comparison, const T* canvas, const T* strokes, int kind,
                        const TextureAtlas& atlas, const RenderShape<T>& shape, T* losses, T* grad_strokes,
                        void* workspace, cudaStream_t stream);

}  // namespace neuralpaint::cuda
