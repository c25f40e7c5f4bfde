// A block takes one tile after the other from a queue and walks the strokes that touch it from the last to the first,
// each pixel adding what still shows of them, until nothing shows any more.
#pragma once

#include "cuda/painting.cuh"

namespace neuralpaint::cuda {

constexpr int64_t kDrawBlocks = 640;  // enough to fill a large device
constexpr int64_t kWindow = 256;      // words of a tile's set that are listed at a time

template <typename Stroke, typename T = typename Stroke::Scalar>
__global__ void __launch_bounds__(kThreads, kBlocksPerUnit<T>)
    render_kernel(const T* canvas, const Stroke* __restrict__ all_strokes, const PixelBox* __restrict__ all_boxes,
                  int64_t per_canvas, int height, int width, Grid grid, Masks masks, int* queue, int32_t* lists,
                  T* out) {
    __shared__ SharedStrokes<Stroke, kWarps> held_strokes;
    int32_t* const list = lists + blockIdx.x * 32 * kWindow;
    for (int64_t tile = next(queue); tile < grid.total; tile = next(queue)) {
        const Pixel pixel(tile, grid, height, width);
        const Stroke* const strokes = all_strokes + pixel.canvas * per_canvas;
        const PixelBox* const boxes = all_boxes + pixel.canvas * per_canvas;
        T shows(pixel.inside ? 1 : 0);  // of what lies under the strokes so far: the product of 1 - alpha
        T sum[3] = {T(0), T(0), T(0)};
        int open = 1;
        TileNear<Stroke, kWarps> near;
        for (int64_t words = masks.size; words > 0 && open > 0; words -= kWindow) {
            int end = list_strokes(masks.of(tile), max(words - kWindow, static_cast<int64_t>(0)), words, list);
            for (; end > 0 && open > 0; end -= kWarps) {
                const int held = min(kWarps, end);
                held_strokes.bring(strokes, boxes, list + end - held, held);
                __syncthreads();
                near.prepare(held_strokes, held, pixel, shows != T(0));
                for (int k = held - 1; k >= 0; --k) {
                    const auto s = near.sample(held_strokes, k, pixel, shows != T(0));
                    if (!(s.coverage > T(0))) continue;
                    const T alpha = s.coverage * held_strokes[k].paint.opacity, part = shows * alpha;
#pragma unroll
                    for (int c = 0; c < 3; ++c) sum[c] += part * held_strokes[k].paint.color(c, s);
                    shows *= T(1) - alpha;
                }
                open = __syncthreads_count(shows != T(0));
            }
        }
        T h[3];
        pixel.read(canvas, h);
#pragma unroll
        for (int c = 0; c < 3; ++c) h[c] = shows != T(0) ? sum[c] + shows * h[c] : sum[c];
        pixel.write(h, out);
    }
}

// Draws the layer that `scene` has been prepared for. `canvas` may be `out`: a pixel is read and written by one thread.
// `lists` has room for draw_lists(scene) numbers.
template <typename Stroke>
int64_t draw_lists(const Scene<Stroke>& scene) {
    return std::min(kDrawBlocks, scene.grid.total) * 32 * kWindow;
}
template <typename Stroke, typename T>
void draw_layer(const T* canvas, const Scene<Stroke>& scene, const Layer& layer, const RenderShape<T>& shape,
                int32_t* lists, T* out, cudaStream_t stream) {
    launch(render_kernel<Stroke>, std::min(kDrawBlocks, scene.grid.total), kThreads, 0, stream, canvas, scene.strokes,
           scene.boxes, layer.count, shape.height, shape.width, scene.grid, scene.masks, scene.queue, lists, out);
}

}  // namespace neuralpaint::cuda
