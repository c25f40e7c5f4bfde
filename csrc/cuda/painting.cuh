// What drawing and its backward pass share: a layer of strokes set up and sorted into tiles, and walks over a tile.
#pragma once

#include <algorithm>

#include "common/shapes.h"
#include "cuda/sampling.cuh"
#include "cuda/tiles.cuh"

namespace neuralpaint::cuda {

constexpr int64_t kMaskBytes = int64_t(256) << 20;  // that the tiles' sets of strokes may take

// Strokes in so many layers that `bytes` for each of a layer's strokes stay within `most`; of 32 strokes at the least.
inline int64_t layers_for(int64_t strokes, int64_t bytes, int64_t most) {
    const int64_t fitting = std::max<int64_t>(bound(most) / std::max<int64_t>(bytes, 1) / 32 * 32, 32);
    return std::max<int64_t>((strokes + fitting - 1) / fitting, 1);
}
inline int64_t mask_layers(int64_t strokes, const Grid& grid) {
    return layers_for(strokes, (grid.total + 7) / 8, kMaskBytes);
}

// What the warps of a tile know of the strokes that a block holds, at most N.
template <typename Stroke, int N, typename T = typename Stroke::Scalar>
class TileNear {
 public:
    // Of `count` strokes, for pixels that are `open`: those from which the lanes may want samples.
    __device__ __forceinline__ void prepare(const SharedStrokes<Stroke, N>& held, int count, const Pixel& pixel,
                                            bool open) {
        near_.prepare(
            count, [&](int k) { return Looked<Stroke>{held[k], pixel.left, pixel.top, covers(held, k, pixel, open)}; });
    }
    // The sample of stroke k at the thread's pixel where the pixel is still `open`.
    __device__ __forceinline__ SampleOf<Stroke, T> sample(const SharedStrokes<Stroke, N>& held, int k,
                                                          const Pixel& pixel, bool open) const {
        return near_.sample(held[k], k, pixel.x, pixel.y, covers(held, k, pixel, open));
    }

 private:
    static __device__ __forceinline__ bool covers(const SharedStrokes<Stroke, N>& held, int k, const Pixel& pixel,
                                                  bool open) {
        return open && pixel.inside && held.boxes[k].holds(pixel.x, pixel.y);
    }

    WarpNear<Stroke, N, false> near_;
    static_assert(decltype(near_)::kColumns == kWarpColumns && decltype(near_)::kRows == kWarpRows);
};

// The layer that is being drawn, of all canvases.
template <typename Stroke>
struct Scene {
    using T = typename Stroke::Scalar;
    Grid grid;
    int64_t batch, layers, most;  // most: strokes of a layer
    Stroke* strokes;              // [batch, most]
    PixelBox* boxes;              // [batch, most]
    Masks masks;                  // [grid.total]: each tile's strokes
    int* queue;

    Scene(Arena& arena, const RenderShape<T>& shape, int64_t in_layers)
        : grid(shape.batch, shape.height, shape.width), batch(shape.batch) {
        most = ((shape.strokes + in_layers - 1) / in_layers + 31) / 32 * 32;
        most = std::min(most, shape.strokes);
        layers = most == 0 ? 1 : (shape.strokes + most - 1) / most;
        strokes = arena.template take<Stroke>(shape.batch * most);
        boxes = arena.template take<PixelBox>(shape.batch * most);
        masks.size = Masks::size_for(most);
        masks.words = arena.template take<uint32_t>(grid.total * masks.size);
        queue = arena.template take<int>(1);
    }

    Layer layer(int64_t number, const RenderShape<T>& shape) const {
        return {number * most, std::min(most, shape.strokes - number * most), shape.strokes};
    }

    // Two launches: afterwards strokes, boxes, masks and the queue are ready.
    void prepare(const T* params, const Layer& layer, const TextureAtlas& atlas, const RenderShape<T>& shape,
                 cudaStream_t stream) const {
        const int64_t count = batch * layer.count, words = std::min<int64_t>(grid.total * masks.size, 1 << 18);
        launch(prepare_kernel<Stroke>, blocks_for(std::max<int64_t>({count, words, 1})), kThreads, 0, stream, params,
               batch, layer, atlas, shape.scale, shape.origin, Softness<T>{shape.softness, shape.softness_at},
               shape.height, shape.width, strokes, boxes, masks, grid.total, queue);
        if (count == 0) return;
        launch(bin_kernel<Stroke>, blocks_for(count), kThreads, 0, stream, strokes, boxes, batch, layer.count, grid,
               masks);
    }
};

}  // namespace neuralpaint::cuda
