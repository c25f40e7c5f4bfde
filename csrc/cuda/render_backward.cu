// A block owns a tile at a time, one thread a pixel, and knows the strokes that touch it. It walks them from the last
// to the first until every pixel lies under two opaque ones: what is further down has no part in any derivative. The
// last few, a segment, leave their samples in shared memory; most tiles need no more.
//
// Where there are more, the canvas under each stroke is computed again, never dividing by 1 - alpha: a walk upwards
// keeps the canvas every few segments, then the segments go by from the last to the first, each walked forwards from
// the kept canvas and then backwards. The pixel losses come out of the same walk: what flows back is then the
// derivative of the loss by the finished pixel, which never leaves its thread.
//
// A stroke's gradient is summed over a tile, and added to a slot of the tile's group: neighbouring tiles, which one
// block works through in order. Whichever block takes a group, the sums are the same. A second kernel adds up the
// slots.
//
// Many strokes are drawn in layers, from the last to the first, so that their slots fit in bounded memory.
#include "cuda/drawing.cuh"
#include "cuda/render.h"
#include "cuda/upstream.cuh"

namespace neuralpaint::cuda {
namespace {

// Strokes whose samples are held at a time: as many as leave room for two blocks on every multiprocessor.
template <typename T>
constexpr int kSegment = 40 / sizeof(T);

constexpr int64_t kGroups = 512;                    // tiles share their slots so that there are no more groups
constexpr int64_t kBlocks = 320;                    // enough to fill a large device
constexpr int64_t kSlotBytes = int64_t(512) << 20;  // that the slots of a layer may take
constexpr int kFinishThreads = 128;
constexpr int kCheckpoints = 128;  // canvases that a block keeps per tile; beyond, it keeps fewer and walks more

// How the tiles are shared among groups, and their slots.
struct Share {
    int groups;
    int64_t canvases;  // slots of one group: canvases that its tiles can lie on

    Share(const Grid& grid, int64_t batch) {
        groups = static_cast<int>(std::min(std::max<int64_t>(grid.total, 1), kGroups));
        const int64_t longest = (grid.total + groups - 1) / groups;
        canvases = std::min<int64_t>(batch, (longest + grid.tiles - 2) / grid.tiles + 1);
    }
    int64_t slots() const { return groups * canvases; }
    __device__ int64_t begin(int group, const Grid& grid) const { return grid.total * group / groups; }
    __device__ int group_of(int64_t tile, const Grid& grid) const {
        if (groups == grid.total) return static_cast<int>(tile);
        return static_cast<int>(((tile + 1) * groups - 1) / grid.total);
    }
    // The slot of a group for a canvas.
    __device__ int64_t slot(int group, int64_t canvas, const Grid& grid) const {
        return group * canvases + canvas - begin(group, grid) / grid.tiles;
    }
};

// A thread's sample, to its place in shared memory and back.
template <typename T>
__device__ __forceinline__ void put(const Sample<T>& s, T (*to)[kThreads], int thread) {
    to[0][thread] = s.coverage;
    to[1][thread] = s.t;
    to[2][thread] = s.extra;
}
template <typename T>
__device__ __forceinline__ void put(const PlacedSample<T>& s, T (*to)[kThreads], int thread) {
    put(static_cast<const Sample<T>&>(s), to, thread);
    to[3][thread] = s.place;
}
template <typename T>
__device__ __forceinline__ void take(Sample<T>& s, const T (*from)[kThreads], int thread) {
    s.coverage = from[0][thread];
    s.t = from[1][thread];
    s.extra = from[2][thread];
}
template <typename T>
__device__ __forceinline__ void take(PlacedSample<T>& s, const T (*from)[kThreads], int thread) {
    take(static_cast<Sample<T>&>(s), from, thread);
    s.place = from[3][thread];
}

template <typename Stroke, typename T>
__device__ __forceinline__ void blend(const Stroke& stroke, const Sample<T>& s, T* canvas) {
    if (!(s.coverage > T(0))) return;
    const T alpha = s.coverage * stroke.paint.opacity;
#pragma unroll
    for (int c = 0; c < 3; ++c) canvas[c] = alpha * stroke.paint.color(c, s) + (T(1) - alpha) * canvas[c];
}

// Numbers that a thread holds of each stroke of a segment: the sample, and the canvas under it.
template <typename Stroke, typename T = typename Stroke::Scalar>
constexpr int kStash = sizeof(SampleOf<Stroke, T>) / sizeof(T) + 3;
template <typename Stroke, typename T = typename Stroke::Scalar>
constexpr size_t kStashBytes = sizeof(T) * kSegment<T> * kStash<Stroke> * kThreads;

// What the kernel works on beside the scene: see Workspace.
template <typename T>
struct Scratch {
    int32_t* lists;
    T* kept;
    int checkpoints;
    T* partial;
    Masks drawn;
};

template <typename Stroke, typename Upstream, typename T = typename Stroke::Scalar>
__global__ void __launch_bounds__(kThreads, kBlocksPerUnit<T>)
    backward_kernel(Upstream upstream, const T* canvas, const Stroke* __restrict__ all_strokes,
                    const PixelBox* __restrict__ all_boxes, int64_t per_canvas, int height, int width, Grid grid,
                    Masks masks, Share share, int* queue, Scratch<T> scratch) {
    constexpr int kSums = kTotalSums<Stroke>, S = kSegment<T>, kNumbers = kStash<Stroke> - 3;
    static_assert(kSums <= 16 && S * 16 <= kThreads, "a thread adds up one sum of one stroke");
    NP_DYNAMIC_SHARED(double, stash_memory);
    auto* const stash = reinterpret_cast<T(*)[kStash<Stroke>][kThreads]>(stash_memory);  // [S]
    __shared__ SharedStrokes<Stroke, S> held_strokes;
    __shared__ T warps[S][kWarps][kSums];
    const int thread = threadIdx.x;
    int32_t* const list = scratch.lists + blockIdx.x * per_canvas;
    T* const kept = scratch.kept + static_cast<int64_t>(blockIdx.x) * scratch.checkpoints * 3 * kThreads + thread;

    for (int group = next(queue); group < share.groups; group = next(queue)) {
        const int64_t begin_tile = share.begin(group, grid), end_tile = share.begin(group + 1, grid);
        for (int64_t tile = begin_tile; tile < end_tile; ++tile) {
            const Pixel pixel(tile, grid, height, width);
            const Stroke* const strokes = all_strokes + pixel.canvas * per_canvas;
            const PixelBox* const boxes = all_boxes + pixel.canvas * per_canvas;
            const int64_t slot = share.slot(group, pixel.canvas, grid);
            T* const partial = scratch.partial + slot * per_canvas * kSums;
            uint32_t* const drawn = scratch.drawn.of(slot);  // the strokes whose sums the slot has
            if (tile == begin_tile || tile % grid.tiles == 0) {
                for (int64_t i = thread; i < masks.size; i += kThreads) drawn[i] = 0;
            }
            const int count = list_strokes(masks.of(tile), 0, masks.size, list);
            const int top = max(count - S, 0);  // where the last segment begins

            // Strokes from `from` on matter to the tile, from `lowest` on to the pixel.
            int left = upstream.covers(pixel), from = count, lowest = left > 0 ? 0 : count;
            int open = 1;
            TileNear<Stroke, S> near;
            for (int end = count; end > 0 && open > 0; end = from) {
                from = max(end - S, 0);
                held_strokes.bring(strokes, boxes, list + from, end - from);
                __syncthreads();
                near.prepare(held_strokes, end - from, pixel, left > 0);
                for (int k = end - from - 1; k >= 0; --k) {
                    const T opacity = held_strokes[k].paint.opacity;
                    if (from != top && opacity < T(1)) continue;  // it cannot close a pixel
                    const auto s = near.sample(held_strokes, k, pixel, left > 0);
                    if (from == top) put(s, stash[k], thread);
                    if (left > 0 && s.coverage * opacity == T(1) && --left == 0) lowest = from + k;
                }
                open = __syncthreads_count(left > 0);
            }

            // Segments below the last; of all, the canvas before segment m * stride is kept as number m - 1.
            const int below = (top - from + S - 1) / S, segments = below + (count > 0 ? 1 : 0);
            const int stride = max((segments + scratch.checkpoints) / (scratch.checkpoints + 1), 1);
            T h[3], g[3];
            pixel.read(canvas, h);
            // Blends segments [first, last) onto h.
            const auto walk = [&](int first, int last, bool keep) {
                for (int segment = first; segment < last; ++segment) {
                    const int begin = from + segment * S, held = min(S, top - begin);
                    held_strokes.bring(strokes, boxes, list + begin, held);
                    __syncthreads();
                    near.prepare(held_strokes, held, pixel, begin + held > lowest);
                    for (int k = 0; k < held; ++k) {
                        blend(held_strokes[k], near.sample(held_strokes, k, pixel, begin + k >= lowest), h);
                    }
                    __syncthreads();
                    if (keep && (segment + 1) % stride == 0) {
                        T* to_keep = kept + static_cast<int64_t>((segment + 1) / stride - 1) * 3 * kThreads;
#pragma unroll
                        for (int c = 0; c < 3; ++c) to_keep[c * kThreads] = h[c];
                    }
                }
            };
            if (segments == 0) upstream.start(pixel, tile, h, g);
            for (int segment = segments - 1; segment >= 0; --segment) {
                const bool last = segment == segments - 1;
                const int begin = last ? top : from + segment * S, held = last ? count - top : min(S, top - begin);
                int start = 0;  // h is the canvas before this segment
                if (!last) {
                    const int number = segment / stride;
                    start = number * stride;
                    if (number == 0) {
                        pixel.read(canvas, h);
                    } else {
                        const T* before = kept + static_cast<int64_t>(number - 1) * 3 * kThreads;
#pragma unroll
                        for (int c = 0; c < 3; ++c) h[c] = before[c * kThreads];
                    }
                }
                walk(start, segment, last);

                held_strokes.bring(strokes, boxes, list + begin, held);
                __syncthreads();
                if (!last) near.prepare(held_strokes, held, pixel, begin + held > lowest);
                for (int k = 0; k < held; ++k) {
                    SampleOf<Stroke, T> s;
                    if (last) {
                        take(s, stash[k], thread);
                    } else {
                        s = near.sample(held_strokes, k, pixel, begin + k >= lowest);
                        put(s, stash[k], thread);
                    }
#pragma unroll
                    for (int c = 0; c < 3; ++c) stash[k][kNumbers + c][thread] = h[c];
                    blend(held_strokes[k], s, h);
                }
                if (last) upstream.start(pixel, tile, h, g);
                for (int k = held - 1; k >= 0; --k) {
                    const Stroke& stroke = held_strokes[k];
                    SampleOf<Stroke, T> s;
                    take(s, stash[k], thread);
                    const bool covered = s.coverage > T(0);
                    T sums[kSums];
#pragma unroll
                    for (int i = 0; i < kSums; ++i) sums[i] = T(0);
                    if (covered) {
                        NP_COUNT(kGradients, 1);
                        const T alpha = s.coverage * stroke.paint.opacity;
                        T g_alpha(0), g_t(0), g_extra(0);
#pragma unroll
                        for (int c = 0; c < 3; ++c) {
                            g_alpha += g[c] * (stroke.paint.color(c, s) - stash[k][kNumbers + c][thread]);
                            stroke.paint.color_grad(c, s, g[c] * alpha, sums + Stroke::kSums, g_t, g_extra);
                            g[c] *= T(1) - alpha;
                        }
                        sums[kSums - 1] += g_alpha * s.coverage;
                        stroke.accumulate(T(pixel.x) + T(0.5), T(pixel.y) + T(0.5), s, g_alpha * stroke.paint.opacity,
                                          g_t, g_extra, sums);
                    }
                    keep_warp_sums<kSums>(covered, sums, warps[k][thread / 32]);
                }
                __syncthreads();
                const int k = thread / 16, i = thread % 16;
                const int32_t n = k < held ? list[begin + k] : 0;
                if (k < held && i < kSums) {
                    T total(0);
#pragma unroll
                    for (int w = 0; w < kWarps; ++w) total += warps[k][w][i];
                    T* const sum = partial + static_cast<int64_t>(n) * kSums + i;
                    *sum = holds(drawn, n) ? *sum + total : total;
                }
                __syncthreads();
                if (k < held && i == 0) add(drawn, n);
            }
            upstream.finish(pixel, g);
        }
    }
}

// One block a stroke: the slots that were written for it, its 8 half warps taking tiles in turn and a thread one sum,
// then the derivatives by its numbers. The blocks after those add up the tiles' losses, one block a canvas. Four blocks
// on a multiprocessor are enough: with none named, ptxas spills in ribbon's derivatives to fit more of them.
template <typename Stroke, typename T = typename Stroke::Scalar>
__global__ void __launch_bounds__(kFinishThreads, 4)
    finish_kernel(const T* __restrict__ params, const Stroke* __restrict__ strokes, const PixelBox* __restrict__ boxes,
                  int64_t count, Layer layer, T scale, const T* __restrict__ origin, Softness<T> softness, Grid grid,
                  Share share, const T* __restrict__ partial, Masks drawn, const T* __restrict__ tile_sums,
                  T* __restrict__ grad, T* __restrict__ losses) {
    constexpr int kSums = kTotalSums<Stroke>, kHalves = kFinishThreads / 16;
    __shared__ T parts[kHalves][16];
    const int64_t n = blockIdx.x;
    const int half = threadIdx.x / 16, i = threadIdx.x % 16;
    const int64_t canvas = n < count ? n / layer.count : n - count;
    T sum(0);
    if (n >= count) {
        const T* const from = tile_sums + 2 * canvas * grid.tiles;
        if (i < 2) {
            for (int tile = half; tile < grid.tiles; tile += kHalves) sum += from[2 * tile + i];
        }
    } else if (const PixelBox box = boxes[n]; !box.empty()) {
        const TileBox tiles(box);
        const int64_t before = canvas * grid.tiles, number = n % layer.count;
        const int columns = tiles.x1 - tiles.x0, all = columns * (tiles.y1 - tiles.y0);
        for (int k = half; k < all; k += kHalves) {
            const int tile = (tiles.y0 + k / columns) * grid.tiles_x + tiles.x0 + k % columns;
            const int group = share.group_of(before + tile, grid);
            const int own = static_cast<int>(max(share.begin(group, grid) - before, static_cast<int64_t>(0)));
            if (i >= kSums || tiles.first_from(own, grid.tiles_x) != tile) continue;  // once a group
            const int64_t slot = share.slot(group, canvas, grid);
            if (holds(drawn.of(slot), number)) sum += partial[(slot * layer.count + number) * kSums + i];
        }
    }
    parts[half][i] = sum;
    __syncthreads();
    if (half == 0) {
#pragma unroll
        for (int k = 1; k < kHalves; ++k) sum += parts[k][i];
        parts[0][i] = sum;
    }
    __syncthreads();
    if (n >= count) {
        if (threadIdx.x < 2) losses[2 * canvas + i] = sum;
    } else if (threadIdx.x == 0) {
        const int64_t row = (canvas * layer.all + layer.first + n % layer.count) * Stroke::kParameters;
        finish_stroke(strokes[n], params + row, view_of(scale, origin, canvas, softness), parts[0], grad + row);
    }
}

template <typename Stroke>
struct Workspace {
    using T = typename Stroke::Scalar;
    Arena arena;
    Share share;
    Scene<Stroke> scene;
    int64_t blocks, image;  // image: numbers of all canvases
    Scratch<T> scratch;
    T* tile_sums;
    T* canvases;  // [layers - 1]: before each layer but the first
    T* flowing;   // the gradient between two layers

    Workspace(void* memory, const RenderShape<T>& shape)
        : arena(memory),
          share(Grid(shape.batch, shape.height, shape.width), shape.batch),
          scene(arena, shape,
                std::max(
                    mask_layers(shape.strokes, Grid(shape.batch, shape.height, shape.width)),
                    layers_for(shape.strokes, share.slots() * kTotalSums<Stroke> * int64_t(sizeof(T)), kSlotBytes))) {
        const bool several = scene.layers > 1;
        const int64_t segments = (scene.most + kSegment<T> - 1) / kSegment<T>;
        blocks = std::min<int64_t>(share.groups, kBlocks);
        image = shape.batch * 3 * shape.height * shape.width;
        scratch.checkpoints = static_cast<int>(std::min<int64_t>(std::max<int64_t>(segments - 1, 1), kCheckpoints));
        scratch.lists =
            arena.template take<int32_t>(std::max(blocks * scene.most, several ? draw_lists(scene) : int64_t(0)));
        scratch.kept = arena.template take<T>(blocks * scratch.checkpoints * 3 * kThreads);
        scratch.partial = arena.template take<T>(share.slots() * scene.most * kTotalSums<Stroke>);
        scratch.drawn.size = scene.masks.size;
        scratch.drawn.words = arena.template take<uint32_t>(share.slots() * scene.masks.size);
        tile_sums = arena.template take<T>(2 * scene.grid.total);
        canvases = arena.template take<T>((scene.layers - 1) * image);
        flowing = arena.template take<T>(several ? image : 0);
    }
};

template <typename T>
int64_t workspace_bytes(int kind, const RenderShape<T>& shape) {
    int64_t bytes = 0;
    with_stroke<T>(kind,
                   [&](auto tag) { bytes = Workspace<typename decltype(tag)::type>(nullptr, shape).arena.used(); });
    return bytes;
}

// A layer's backward pass and, with `losses`, the sums of the comparison. Two launches.
template <typename Stroke, typename Upstream, typename T>
void layer_backward(const Upstream& upstream, const T* canvas, const T* strokes, const Layer& layer,
                    const RenderShape<T>& shape, const Workspace<Stroke>& ws, T* grad_strokes, T* losses,
                    cudaStream_t stream) {
    const Scene<Stroke>& scene = ws.scene;
    const auto kernel = backward_kernel<Stroke, Upstream, T>;
    cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(kStashBytes<Stroke>));
    launch(kernel, ws.blocks, kThreads, kStashBytes<Stroke>, stream, upstream, canvas, scene.strokes, scene.boxes,
           layer.count, shape.height, shape.width, scene.grid, scene.masks, ws.share, scene.queue, ws.scratch);
    const int64_t count = shape.batch * layer.count, blocks = count + (losses == nullptr ? 0 : shape.batch);
    if (blocks == 0) return;
    launch(finish_kernel<Stroke>, blocks, kFinishThreads, 0, stream, strokes, scene.strokes, scene.boxes, count, layer,
           shape.scale, shape.origin, Softness<T>{shape.softness, shape.softness_at}, scene.grid, ws.share,
           ws.scratch.partial, ws.scratch.drawn, ws.tile_sums, grad_strokes, losses);
}

// `make_upstream(rest)`: what flows into the finished picture; what is left of it is written to `rest`, if not null.
// `grad_canvas` may be null.
template <typename Stroke, typename F, typename T>
void launch_back(const F& make_upstream, const T* canvas, const T* strokes, const TextureAtlas& atlas,
                 const RenderShape<T>& shape, void* workspace, T* grad_canvas, T* grad_strokes, T* losses,
                 cudaStream_t stream) {
    const Workspace<Stroke> ws(workspace, shape);
    const Scene<Stroke>& scene = ws.scene;
    const auto canvas_of = [&](int64_t layer) { return layer == 0 ? canvas : ws.canvases + (layer - 1) * ws.image; };
    const int64_t last = scene.layers - 1;
    for (int64_t number = 0; number < last; ++number) {
        const Layer layer = scene.layer(number, shape);
        scene.prepare(strokes, layer, atlas, shape, stream);
        draw_layer<Stroke>(canvas_of(number), scene, layer, shape, ws.scratch.lists, ws.canvases + number * ws.image,
                           stream);
    }
    for (int64_t number = last; number >= 0; --number) {
        const Layer layer = scene.layer(number, shape);
        T* const rest = number == 0 ? grad_canvas : ws.flowing;
        scene.prepare(strokes, layer, atlas, shape, stream);
        if (number == last) {
            layer_backward(make_upstream(rest), canvas_of(number), strokes, layer, shape, ws, grad_strokes, losses,
                           stream);
        } else {
            layer_backward(Given<T>{ws.flowing, rest}, canvas_of(number), strokes, layer, shape, ws, grad_strokes,
                           static_cast<T*>(nullptr), stream);
        }
    }
}

}  // namespace

template <typename T>
int64_t render_backward_workspace(int kind, const RenderShape<T>& shape) {
    return workspace_bytes(kind, shape);
}

template <typename T>
int64_t render_loss_workspace(int kind, const RenderShape<T>& shape) {
    return workspace_bytes(kind, shape);
}

template <typename T>
void launch_render_backward(const T* grad, const T* canvas, const T* strokes, int kind, const TextureAtlas& atlas,
                            const RenderShape<T>& shape, T* grad_canvas, T* grad_strokes, void* workspace,
                            cudaStream_t stream) {
    if (shape.batch == 0) return;
    with_stroke<T>(kind, [&](auto tag) {
        using Stroke = typename decltype(tag)::type;
        launch_back<Stroke>([&](T* rest) { return Given<T>{grad, rest}; }, canvas, strokes, atlas, shape, workspace,
                            grad_canvas, grad_strokes, static_cast<T*>(nullptr), stream);
    });
}

template <typename T>
void launch_render_loss(const Comparison<T>& comparison, const T* canvas, const T* strokes, int kind,
                        const TextureAtlas& atlas, const RenderShape<T>& shape, T* losses, T* grad_strokes,
                        void* workspace, cudaStream_t stream) {
    if (shape.batch == 0) return;
    with_stroke<T>(kind, [&](auto tag) {
        using Stroke = typename decltype(tag)::type;
        T* const tile_sums = Workspace<Stroke>(workspace, shape).tile_sums;
        launch_back<Stroke>([&](T* rest) { return PixelLoss<T>{comparison, tile_sums, rest}; }, canvas, strokes, atlas,
                            shape, workspace, static_cast<T*>(nullptr), grad_strokes, losses, stream);
    });
}

#define NP_INSTANTIATE(T)                                                                                   \
    template int64_t render_backward_workspace<T>(int, const RenderShape<T>&);                              \
    template int64_t render_loss_workspace<T>(int, const RenderShape<T>&);                                  \
    template void launch_render_backward<T>(const T*, const T*, const T*, int, const TextureAtlas&,         \
                                            const RenderShape<T>&, T*, T*, void*, cudaStream_t);            \
    template void launch_render_loss<T>(const Comparison<T>&, const T*, const T*, int, const TextureAtlas&, \
                                        const RenderShape<T>&, T*, T*, void*, cudaStream_t);
NP_INSTANTIATE(float)
NP_INSTANTIATE(double)
#undef NP_INSTANTIATE

}  // namespace neuralpaint::cuda
