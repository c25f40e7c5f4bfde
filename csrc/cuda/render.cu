// A block owns a tile of 16 x 16 pixels, one thread a pixel, and walks the strokes whose boxes touch the tile in order.
//
// Backward recomputes the canvas under each stroke, never dividing by 1 - alpha: a first walk keeps the canvas every
// few strokes, then the strokes go by in short segments from the last to the first, each walked forwards from the kept
// canvas and then backwards. The pixel losses come out of the same walk: what flows back is then the derivative of the
// loss by the finished pixel, which never leaves its thread. A stroke's gradient is summed over the tile, added by the
// block to a slot that no other block touches, and the slots are added in order by a second kernel.
#include "cuda/render.h"

#include <algorithm>

#include "cuda/strokes.cuh"

namespace neuralpaint::cuda {
namespace {

constexpr int kTile = 16;
constexpr int kWarps = kThreads / 32;
static_assert(kTile * kTile == kThreads, "one thread a pixel");

// Strokes that the backward pass holds at a time: as many as 24 KiB of shared memory have room for.
template <typename T>
constexpr int kSegment = 16 / sizeof(T);

constexpr int64_t kBackwardBlocks = 512;  // enough to fill a large device; each may take several tiles
constexpr int64_t kFewestBlocks = 128;    // kept even where their slots take more memory than
constexpr int64_t kSlotBytes = int64_t(4) << 30;
constexpr int kFinishThreads = 128;
constexpr int kCheckpoints = 128;  // canvases that a block keeps per tile; beyond, it keeps fewer and walks more

struct Grid {
    int tiles_x, tiles;  // per canvas
    int64_t total;
    Grid(int64_t batch, int height, int width) {
        tiles_x = (width + kTile - 1) / kTile;
        tiles = tiles_x * ((height + kTile - 1) / kTile);
        total = batch * tiles;
    }
};

// The pixel of a thread.
struct Pixel {
    int left, top, x, y;
    int64_t canvas, offset, plane;
    bool inside;

    __device__ __forceinline__ Pixel(int64_t tile, const Grid& grid, int height, int width) {
        const int place = static_cast<int>(tile % grid.tiles);
        canvas = tile / grid.tiles;
        left = place % grid.tiles_x * kTile;
        top = place / grid.tiles_x * kTile;
        x = left + static_cast<int>(threadIdx.x) % kTile;
        y = top + static_cast<int>(threadIdx.x) / kTile;
        inside = x < width && y < height;
        plane = static_cast<int64_t>(height) * width;
        offset = canvas * 3 * plane + static_cast<int64_t>(y) * width + x;
    }
    template <typename T>
    __device__ __forceinline__ void read(const T* image, T* rgb) const {
#pragma unroll
        for (int c = 0; c < 3; ++c) rgb[c] = inside ? image[offset + c * plane] : T(0);
    }
    template <typename T>
    __device__ __forceinline__ void write(const T* rgb, T* image) const {
        if (!inside) return;
#pragma unroll
        for (int c = 0; c < 3; ++c) image[offset + c * plane] = rgb[c];
    }
};

// Of boxes [begin, begin + kThreads), those that touch the tile, their numbers written to `list` in order. Returns how
// many. All threads must call it; `list` is ready on return.
__device__ __forceinline__ int touching(const PixelBox* boxes, int64_t begin, int64_t count, const Pixel& pixel,
                                        int* warp_counts, int32_t* list) {
    const int64_t n = begin + threadIdx.x;
    bool hit = false;
    if (n < count) {
        const PixelBox box = boxes[n];
        NP_COUNT(kBoxTests, 1);
        hit = !box.empty() && box.x0 < pixel.left + kTile && box.x1 > pixel.left && box.y0 < pixel.top + kTile &&
              box.y1 > pixel.top;
    }
    const unsigned hits = __ballot_sync(0xffffffffu, hit);
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    if (lane == 0) warp_counts[warp] = __popc(hits);
    __syncthreads();
    int before = 0, total = 0;
#pragma unroll
    for (int w = 0; w < kWarps; ++w) {
        if (w == warp) before = total;
        total += warp_counts[w];
    }
    if (hit) list[before + __popc(hits & ((1u << lane) - 1u))] = static_cast<int32_t>(n);
    __syncthreads();
    return total;
}

// Up to N strokes and their boxes in shared memory.
template <typename Stroke, int N>
struct Bench {
    alignas(16) unsigned char memory[N][sizeof(Stroke)];
    PixelBox boxes[N];

    // Warp w brings the w-th of `count` strokes. Sync before use, and before the next call.
    __device__ __forceinline__ void bring(const Stroke* strokes, const PixelBox* all_boxes, const int32_t* list,
                                          int count) {
        static_assert(N <= kWarps, "a warp brings one stroke");
        const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
        if (warp >= count) return;
        const int32_t n = list[warp];
        fetch(strokes + n, memory[warp], lane, 32);
        if (lane == 0) boxes[warp] = all_boxes[n];
    }
    __device__ __forceinline__ const Stroke& operator[](int k) const {
        return *reinterpret_cast<const Stroke*>(memory[k]);
    }
};

template <typename Stroke, int N, typename T = typename Stroke::Scalar>
__device__ __forceinline__ SampleOf<Stroke, T> sample_at(const Bench<Stroke, N>& bench, int k, const Pixel& pixel) {
    const bool wanted = pixel.inside && bench.boxes[k].holds(pixel.x, pixel.y);
    NP_COUNT(kWarpSamples, __any_sync(0xffffffffu, wanted) && threadIdx.x % 32 == 0);
    if (!wanted) return {};
    const auto s = bench[k].sample(T(pixel.x) + T(0.5), T(pixel.y) + T(0.5));
    NP_COUNT(kSamples, 1);
    NP_COUNT(kCurvePoints, Stroke::kCurve ? 17 : 0);
    NP_COUNT(kCovers, s.coverage > T(0));
    return s;
}

template <typename Stroke, typename T>
__device__ __forceinline__ void blend(const Stroke& stroke, const Sample<T>& s, T* canvas) {
    if (!(s.coverage > T(0))) return;
    const T alpha = s.coverage * stroke.paint.opacity;
#pragma unroll
    for (int c = 0; c < 3; ++c) canvas[c] = alpha * stroke.paint.color(c, s) + (T(1) - alpha) * canvas[c];
}

template <typename Stroke, typename T = typename Stroke::Scalar>
__global__ void __launch_bounds__(kThreads, kBlocksPerUnit<T>)
    render_kernel(const T* __restrict__ canvas, const Stroke* __restrict__ strokes, const PixelBox* __restrict__ boxes,
                  int64_t per_canvas, int height, int width, Grid grid, T* __restrict__ out) {
    __shared__ Bench<Stroke, kWarps> bench;
    __shared__ int32_t list[kThreads];
    __shared__ int warp_counts[kWarps];
    const Pixel pixel(blockIdx.x, grid, height, width);
    strokes += pixel.canvas * per_canvas;
    boxes += pixel.canvas * per_canvas;
    T h[3];
    pixel.read(canvas, h);
    for (int64_t begin = 0; begin < per_canvas; begin += kThreads) {
        const int count = touching(boxes, begin, per_canvas, pixel, warp_counts, list);
        for (int first = 0; first < count; first += kWarps) {
            const int held = min(kWarps, count - first);
            bench.bring(strokes, boxes, list + first, held);
            __syncthreads();
            for (int k = 0; k < held; ++k) blend(bench[k], sample_at(bench, k, pixel), h);
            __syncthreads();
        }
    }
    pixel.write(h, out);
}

// How the tiles and the slots of the backward pass are shared among its blocks.
struct Share {
    int blocks;
    int64_t canvases;  // slots of one block: canvases that its tiles can lie on

    // `bytes`: of one canvas's slots.
    Share(const Grid& grid, int64_t batch, int64_t bytes) {
        const int64_t fitting = std::max<int64_t>(kSlotBytes / std::max<int64_t>(bytes, 1), kFewestBlocks);
        blocks = static_cast<int>(std::min({std::max<int64_t>(grid.total, 1), kBackwardBlocks, fitting}));
        const int64_t longest = (grid.total + blocks - 1) / blocks;
        canvases = std::min<int64_t>(batch, (longest + grid.tiles - 2) / grid.tiles + 1);
    }
    __host__ __device__ int64_t begin(int block, const Grid& grid) const { return grid.total * block / blocks; }
    __device__ int block_of(int64_t tile, const Grid& grid) const {
        if (blocks == grid.total) return static_cast<int>(tile);
        return static_cast<int>(((tile + 1) * blocks - 1) / grid.total);
    }
    // The slots of block `block` for a canvas, counted in canvases.
    __device__ int64_t slot(int block, int64_t canvas, const Grid& grid) const {
        return block * canvases + canvas - begin(block, grid) / grid.tiles;
    }
};

// The tiles of a canvas that a box with pixels touches, half-open, and their order: by rows.
struct TileBox {
    int x0, x1, y0, y1;

    __device__ __forceinline__ explicit TileBox(const PixelBox& box)
        : x0(box.x0 / kTile), x1((box.x1 - 1) / kTile + 1), y0(box.y0 / kTile), y1((box.y1 - 1) / kTile + 1) {}
    // Of those at or after tile `begin` of the canvas, of which there must be one, the first. It is the one at which a
    // block writes to a stroke's slot what it adds to it at the others, so that slots need no zeros to begin with.
    __device__ __forceinline__ int first_from(int begin, int tiles_x) const {
        const int row = begin / tiles_x, column = begin % tiles_x;
        if (row < y0) return y0 * tiles_x + x0;
        if (column < x1) return row * tiles_x + max(column, x0);
        return (row + 1) * tiles_x + x0;
    }
};

// What flows back into a finished pixel: a given gradient, handed on to the canvas ...
template <typename T>
struct Given {
    const T* __restrict__ grad;
    T* __restrict__ grad_canvas;

    __device__ __forceinline__ void start(const Pixel& pixel, int64_t, const T*, T* g) const { pixel.read(grad, g); }
    __device__ __forceinline__ void finish(const Pixel& pixel, const T* g) const { pixel.write(g, grad_canvas); }
};

// ... or the derivative of a comparison's l1 * sum w|d| + l2 * sum w d^2, whose sums are written for each tile.
template <typename T>
struct PixelLoss {
    Comparison<T> with;
    T* __restrict__ tile_sums;  // [tiles, 2]

    __device__ __forceinline__ void start(const Pixel& pixel, int64_t tile, const T* h, T* g) const {
        __shared__ T warps[kWarps][2];
        T sums[2] = {T(0), T(0)};
        pixel.read(with.target, g);
        const T w =
            with.weight == nullptr || !pixel.inside ? T(1) : with.weight[pixel.offset - 2 * pixel.canvas * pixel.plane];
#pragma unroll
        for (int c = 0; c < 3; ++c) {
            const T d = h[c] - g[c];  // outside of the canvas both are 0
            sums[0] += w * vabs(d);
            sums[1] += w * d * d;
            g[c] = w * (T(2) * with.l2 * d + with.l1 * sign(d));
        }
        __syncthreads();  // the sums of the tile before may still be being read
        keep_warp_sums(true, sums, warps[threadIdx.x / 32]);
        __syncthreads();
        if (threadIdx.x < 2) {
            T total(0);
#pragma unroll
            for (int w = 0; w < kWarps; ++w) total += warps[w][threadIdx.x];
            tile_sums[2 * tile + threadIdx.x] = total;
        }
    }
    __device__ __forceinline__ void finish(const Pixel&, const T*) const {}
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

// 80 to 120 registers and 26 KiB of shared memory for float: two blocks a multiprocessor, three for tape. A segment's
// sums wait for each other in shared memory, so that its strokes share two barriers.
template <typename Stroke, typename Upstream, typename T = typename Stroke::Scalar>
__global__ void __launch_bounds__(kThreads, kBlocksPerUnit<T>)
    backward_kernel(Upstream upstream, const T* __restrict__ canvas, const Stroke* __restrict__ all_strokes,
                    const PixelBox* __restrict__ all_boxes, int64_t per_canvas, int height, int width, Grid grid,
                    Share share, int checkpoints, int32_t* __restrict__ lists, T* __restrict__ kept_canvases,
                    T* __restrict__ partial) {
    constexpr int kSums = kTotalSums<Stroke>, S = kSegment<T>;
    static_assert(kSums <= 16 && S * 16 <= kThreads, "a thread adds up one sum of one stroke");
    __shared__ Bench<Stroke, S> bench;
    constexpr int kNumbers = sizeof(SampleOf<Stroke, T>) / sizeof(T);
    __shared__ T stash[S][kNumbers + 3][kThreads];  // per pixel: the sample, the canvas under it
    __shared__ T warps[S][kWarps][kSums];
    __shared__ int warp_counts[kWarps];
    const int thread = threadIdx.x;
    int32_t* const list = lists + blockIdx.x * per_canvas;
    T* const kept = kept_canvases + static_cast<int64_t>(blockIdx.x) * checkpoints * 3 * kThreads + thread;

    const int64_t begin = share.begin(blockIdx.x, grid), end = share.begin(blockIdx.x + 1, grid);
    for (int64_t tile = begin; tile < end; ++tile) {
        const Pixel pixel(tile, grid, height, width);
        const Stroke* const strokes = all_strokes + pixel.canvas * per_canvas;
        const PixelBox* const boxes = all_boxes + pixel.canvas * per_canvas;
        T* const slot = partial + share.slot(blockIdx.x, pixel.canvas, grid) * per_canvas * kSums;
        const int64_t before = pixel.canvas * grid.tiles;  // tiles of the canvases before
        const int own =
            static_cast<int>(max(begin - before, static_cast<int64_t>(0)));  // the block's first on this one
        int count = 0;
        for (int64_t b = 0; b < per_canvas; b += kThreads) {
            count += touching(boxes, b, per_canvas, pixel, warp_counts, list + count);
        }
        const int segments = (count + S - 1) / S;
        // The canvas before segment m·stride is kept as number m - 1.
        const int stride = (segments + checkpoints) / (checkpoints + 1);

        T h[3], g[3];
        pixel.read(canvas, h);
        // Blends segments [from, to) onto h.
        const auto walk = [&](int from, int to, bool keep) {
            for (int segment = from; segment < to; ++segment) {
                const int held = min(S, count - segment * S);
                bench.bring(strokes, boxes, list + segment * S, held);
                __syncthreads();
                for (int k = 0; k < held; ++k) blend(bench[k], sample_at(bench, k, pixel), h);
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
            int start = 0;  // h is the canvas before this segment
            if (!last) {
                const int number = segment / stride;
                start = number * stride;
                if (number == 0) {
                    pixel.read(canvas, h);
                } else {
                    const T* from = kept + static_cast<int64_t>(number - 1) * 3 * kThreads;
#pragma unroll
                    for (int c = 0; c < 3; ++c) h[c] = from[c * kThreads];
                }
            }
            walk(start, segment, last);

            const int held = min(S, count - segment * S);
            bench.bring(strokes, boxes, list + segment * S, held);
            __syncthreads();
            for (int k = 0; k < held; ++k) {
                const auto s = sample_at(bench, k, pixel);
                put(s, stash[k], thread);
#pragma unroll
                for (int c = 0; c < 3; ++c) stash[k][kNumbers + c][thread] = h[c];
                blend(bench[k], s, h);
            }
            if (last) upstream.start(pixel, tile, h, g);
            for (int k = held - 1; k >= 0; --k) {
                const Stroke& stroke = bench[k];
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
                    stroke.accumulate(T(pixel.x) + T(0.5), T(pixel.y) + T(0.5), s, g_alpha * stroke.paint.opacity, g_t,
                                      g_extra, sums);
                }
                keep_warp_sums<kSums>(covered, sums, warps[k][thread / 32]);
            }
            __syncthreads();
            const int k = thread / 16, i = thread % 16;
            if (k < held && i < kSums) {
                T total(0);
#pragma unroll
                for (int w = 0; w < kWarps; ++w) total += warps[k][w][i];
                T* const sum = slot + static_cast<int64_t>(list[segment * S + k]) * kSums + i;
                const bool first = TileBox(bench.boxes[k]).first_from(own, grid.tiles_x) == tile - before;
                *sum = first ? total : *sum + total;
            }
            __syncthreads();
        }
        upstream.finish(pixel, g);
    }
}

// One block a stroke: the slots that were written for it, its 8 half warps taking tiles in turn and a thread one sum,
// then the derivatives by its numbers. The blocks after those add up the tiles' losses, one block a canvas.
template <typename Stroke, typename T = typename Stroke::Scalar>
__global__ void __launch_bounds__(kFinishThreads)
    finish_kernel(const T* __restrict__ params, const Stroke* __restrict__ strokes, const PixelBox* __restrict__ boxes,
                  int64_t count, int64_t per_canvas, T scale, const T* __restrict__ origin, Softness<T> softness,
                  Grid grid, Share share, const T* __restrict__ partial, const T* __restrict__ tile_sums,
                  T* __restrict__ grad, T* __restrict__ losses) {
    constexpr int kSums = kTotalSums<Stroke>, kHalves = kFinishThreads / 16;
    __shared__ T parts[kHalves][16];
    const int64_t n = blockIdx.x;
    const int half = threadIdx.x / 16, i = threadIdx.x % 16;
    const int64_t canvas = n < count ? n / per_canvas : n - count;
    T sum(0);
    if (n >= count) {
        const T* const from = tile_sums + 2 * canvas * grid.tiles;
        if (i < 2) {
            for (int tile = half; tile < grid.tiles; tile += kHalves) sum += from[2 * tile + i];
        }
    } else if (const PixelBox box = boxes[n]; !box.empty()) {
        const TileBox tiles(box);
        const int64_t before = canvas * grid.tiles, number = n % per_canvas;
        const int columns = tiles.x1 - tiles.x0, all = columns * (tiles.y1 - tiles.y0);
        for (int k = half; k < all; k += kHalves) {
            const int tile = (tiles.y0 + k / columns) * grid.tiles_x + tiles.x0 + k % columns;
            const int block = share.block_of(before + tile, grid);
            const int own = static_cast<int>(max(share.begin(block, grid) - before, static_cast<int64_t>(0)));
            if (i >= kSums || tiles.first_from(own, grid.tiles_x) != tile) continue;
            sum += partial[(share.slot(block, canvas, grid) * per_canvas + number) * kSums + i];
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
        finish_stroke(strokes[n], params + n * Stroke::kParameters, view_of(scale, origin, canvas, softness), parts[0],
                      grad + n * Stroke::kParameters);
    }
}

enum class Pass { kForward, kBackward, kLoss };

template <typename Stroke>
struct Workspace {
    using T = typename Stroke::Scalar;
    Grid grid;
    Share share;
    Stroke* strokes;
    PixelBox* boxes;
    int32_t* lists = nullptr;
    T* kept = nullptr;
    T* partial = nullptr;
    T* tile_sums = nullptr;
    int checkpoints = 1;
    int64_t bytes;

    Workspace(void* memory, const RenderShape<T>& shape, Pass pass)
        : grid(shape.batch, shape.height, shape.width),
          share(grid, shape.batch, shape.strokes * kTotalSums<Stroke> * static_cast<int64_t>(sizeof(T))) {
        Arena arena(memory);
        const int64_t count = shape.batch * shape.strokes;
        strokes = arena.template take<Stroke>(count);
        boxes = arena.template take<PixelBox>(count);
        if (pass != Pass::kForward) {
            const int64_t segments = (shape.strokes + kSegment<T> - 1) / kSegment<T>;
            checkpoints = static_cast<int>(std::min<int64_t>(std::max<int64_t>(segments - 1, 1), kCheckpoints));
            lists = arena.template take<int32_t>(share.blocks * shape.strokes);
            kept = arena.template take<T>(static_cast<int64_t>(share.blocks) * checkpoints * 3 * kThreads);
            partial = arena.template take<T>(share.blocks * share.canvases * shape.strokes * kTotalSums<Stroke>);
        }
        if (pass == Pass::kLoss) tile_sums = arena.template take<T>(2 * grid.total);
        bytes = arena.used();
    }
};

template <typename T>
int64_t workspace_bytes(int kind, const RenderShape<T>& shape, Pass pass) {
    int64_t bytes = 0;
    with_stroke<T>(kind,
                   [&](auto tag) { bytes = Workspace<typename decltype(tag)::type>(nullptr, shape, pass).bytes; });
    return bytes;
}

template <typename T>
Softness<T> softness_of(const RenderShape<T>& shape) {
    return {shape.softness, shape.softness_at};
}

template <typename Stroke, typename T>
void launch_setup(const T* strokes, const TextureAtlas& atlas, const RenderShape<T>& shape, const Workspace<Stroke>& ws,
                  cudaStream_t stream) {
    const int64_t count = shape.batch * shape.strokes;
    if (count == 0) return;
    launch(setup_kernel<Stroke>, blocks_for(count), kThreads, 0, stream, strokes, count, shape.strokes, atlas,
           shape.scale, shape.origin, softness_of(shape), shape.height, shape.width, ws.strokes, ws.boxes);
}

// Three launches, whatever flows back.
template <typename Stroke, typename Upstream, typename T>
void launch_back(const Upstream& upstream, const T* canvas, const T* strokes, const TextureAtlas& atlas,
                 const RenderShape<T>& shape, const Workspace<Stroke>& ws, T* grad_strokes, T* losses,
                 cudaStream_t stream) {
    const int64_t count = shape.batch * shape.strokes, blocks = count + (losses == nullptr ? 0 : shape.batch);
    launch_setup(strokes, atlas, shape, ws, stream);
    launch(backward_kernel<Stroke, Upstream>, ws.share.blocks, kThreads, 0, stream, upstream, canvas, ws.strokes,
           ws.boxes, shape.strokes, shape.height, shape.width, ws.grid, ws.share, ws.checkpoints, ws.lists, ws.kept,
           ws.partial);
    if (blocks == 0) return;
    launch(finish_kernel<Stroke>, blocks, kFinishThreads, 0, stream, strokes, ws.strokes, ws.boxes, count,
           shape.strokes, shape.scale, shape.origin, softness_of(shape), ws.grid, ws.share, ws.partial, ws.tile_sums,
           grad_strokes, losses);
}

}  // namespace

template <typename T>
int64_t render_workspace(int kind, const RenderShape<T>& shape) {
    return workspace_bytes(kind, shape, Pass::kForward);
}

template <typename T>
int64_t render_backward_workspace(int kind, const RenderShape<T>& shape) {
    return workspace_bytes(kind, shape, Pass::kBackward);
}

template <typename T>
int64_t render_loss_workspace(int kind, const RenderShape<T>& shape) {
    return workspace_bytes(kind, shape, Pass::kLoss);
}

template <typename T>
void launch_render(const T* canvas, const T* strokes, int kind, const TextureAtlas& atlas, const RenderShape<T>& shape,
                   T* out, void* workspace, cudaStream_t stream) {
    if (shape.batch == 0) return;
    with_stroke<T>(kind, [&](auto tag) {
        using Stroke = typename decltype(tag)::type;
        const Workspace<Stroke> ws(workspace, shape, Pass::kForward);
        launch_setup(strokes, atlas, shape, ws, stream);
        launch(render_kernel<Stroke>, ws.grid.total, kThreads, 0, stream, canvas, ws.strokes, ws.boxes, shape.strokes,
               shape.height, shape.width, ws.grid, out);
    });
}

template <typename T>
void launch_render_backward(const T* grad, const T* canvas, const T* strokes, int kind, const TextureAtlas& atlas,
                            const RenderShape<T>& shape, T* grad_canvas, T* grad_strokes, void* workspace,
                            cudaStream_t stream) {
    if (shape.batch == 0) return;
    with_stroke<T>(kind, [&](auto tag) {
        using Stroke = typename decltype(tag)::type;
        const Workspace<Stroke> ws(workspace, shape, Pass::kBackward);
        launch_back<Stroke>(Given<T>{grad, grad_canvas}, canvas, strokes, atlas, shape, ws, grad_strokes,
                            static_cast<T*>(nullptr), stream);
    });
}

template <typename T>
void launch_render_loss(const Comparison<T>& comparison, const T* canvas, const T* strokes, int kind,
                        const TextureAtlas& atlas, const RenderShape<T>& shape, T* losses, T* grad_strokes,
                        void* workspace, cudaStream_t stream) {
    if (shape.batch == 0) return;
    with_stroke<T>(kind, [&](auto tag) {
        using Stroke = typename decltype(tag)::type;
        const Workspace<Stroke> ws(workspace, shape, Pass::kLoss);
        launch_back<Stroke>(PixelLoss<T>{comparison, ws.tile_sums}, canvas, strokes, atlas, shape, ws, grad_strokes,
                            losses, stream);
    });
}

#define NP_INSTANTIATE(T)                                                                                          \
    template int64_t render_workspace<T>(int, const RenderShape<T>&);                                              \
    template int64_t render_backward_workspace<T>(int, const RenderShape<T>&);                                     \
    template int64_t render_loss_workspace<T>(int, const RenderShape<T>&);                                         \
    template void launch_render<T>(const T*, const T*, int, const TextureAtlas&, const RenderShape<T>&, T*, void*, \
                                   cudaStream_t);                                                                  \
    template void launch_render_backward<T>(const T*, const T*, const T*, int, const TextureAtlas&,                \
                                            const RenderShape<T>&, T*, T*, void*, cudaStream_t);                   \
    template void launch_render_loss<T>(const Comparison<T>&, const T*, const T*, int, const TextureAtlas&,        \
                                        const RenderShape<T>&, T*, T*, void*, cudaStream_t);
NP_INSTANTIATE(float)
NP_INSTANTIATE(double)
#undef NP_INSTANTIATE

}  // namespace neuralpaint::cuda
