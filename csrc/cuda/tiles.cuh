// A canvas as tiles of 16 x 16 pixels, one thread a pixel and 8 x 4 pixels a warp, and which strokes touch a tile: a
// bit each, so that the order of the strokes is kept whatever order the bits are set in.
#pragma once

#include "cuda/strokes.cuh"

namespace neuralpaint::cuda {

constexpr int kTile = 16, kWarpColumns = 8, kWarpRows = 4;
constexpr int kWarps = kThreads / 32;
constexpr unsigned kAllLanes = 0xffffffffu;
static_assert(kTile * kTile == kThreads && kWarpColumns * kWarpRows == 32, "one thread a pixel");

struct Grid {
    int tiles_x, tiles;  // per canvas
    int64_t total;
    Grid(int64_t batch, int height, int width) {
        tiles_x = (width + kTile - 1) / kTile;
        tiles = tiles_x * ((height + kTile - 1) / kTile);
        total = batch * tiles;
    }
};

// Strokes [first, first + count) of each canvas, which has `all`: what is drawn at a time.
struct Layer {
    int64_t first, count, all;
};

// The pixel of a thread.
struct Pixel {
    int left, top, x, y;
    int64_t canvas, offset, plane;
    bool inside;

    __device__ __forceinline__ Pixel(int64_t tile, const Grid& grid, int height, int width) {
        const int place = static_cast<int>(tile % grid.tiles), thread = static_cast<int>(threadIdx.x);
        const int warp = thread / 32, lane = thread % 32;
        canvas = tile / grid.tiles;
        // Of the warp.
        left = place % grid.tiles_x * kTile + warp % (kTile / kWarpColumns) * kWarpColumns;
        top = place / grid.tiles_x * kTile + warp / (kTile / kWarpColumns) * kWarpRows;
        x = left + lane % kWarpColumns;
        y = top + lane / kWarpColumns;
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

// The tiles of a canvas that a box with pixels touches, half-open, and their order: by rows.
struct TileBox {
    int x0, x1, y0, y1;

    __device__ __forceinline__ explicit TileBox(const PixelBox& box)
        : x0(box.x0 / kTile), x1((box.x1 - 1) / kTile + 1), y0(box.y0 / kTile), y1((box.y1 - 1) / kTile + 1) {}
    // Of those at or after tile `begin` of the canvas, of which there must be one, the first.
    __device__ __forceinline__ int first_from(int begin, int tiles_x) const {
        const int row = begin / tiles_x, column = begin % tiles_x;
        if (row < y0) return y0 * tiles_x + x0;
        if (column < x1) return row * tiles_x + max(column, x0);
        return (row + 1) * tiles_x + x0;
    }
};

// Sets of a layer's strokes, a bit each.
struct Masks {
    uint32_t* words;  // [sets, size]
    int64_t size;

    static int64_t size_for(int64_t strokes) { return (strokes + 31) / 32; }
    __device__ __forceinline__ uint32_t* of(int64_t set) const { return words + set * size; }
};
__device__ __forceinline__ bool holds(const uint32_t* set, int64_t n) { return set[n / 32] >> n % 32 & 1u; }
__device__ __forceinline__ void add(uint32_t* set, int64_t n) { atomicOr(set + n / 32, 1u << n % 32); }

// Sets up a layer's strokes, and empties the tiles' sets and the queue.
template <typename Stroke, typename T = typename Stroke::Scalar>
__global__ void __launch_bounds__(kThreads, 2)
    prepare_kernel(const T* __restrict__ params, int64_t batch, Layer layer, TextureAtlas atlas, T scale,
                   const T* __restrict__ origin, Softness<T> softness, int height, int width, Stroke* strokes,
                   PixelBox* boxes, Masks masks, int64_t tiles, int* queue) {
    const int64_t n = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    const int64_t threads = static_cast<int64_t>(gridDim.x) * kThreads;
    if (n == 0) *queue = 0;
    for (int64_t i = n; i < tiles * masks.size; i += threads) masks.words[i] = 0;
    if (n >= batch * layer.count) return;
    const int64_t canvas = n / layer.count, number = canvas * layer.all + layer.first + n % layer.count;
    set_up(params + number * Stroke::kParameters, view_of(scale, origin, canvas, softness), atlas, height, width,
           strokes + n, boxes + n);
}

// The columns [x0, x1) that a stroke may cover in rows [top, bottom).
template <typename Stroke>
__device__ __forceinline__ void span(const Stroke& stroke, const PixelBox& box, int top, int bottom, int& x0, int& x1) {
    using T = typename Stroke::Scalar;
    T a, b;
    if constexpr (Stroke::kCurve) {
        stroke.rows_span(T(top) + T(0.5), T(bottom) - T(0.5), a, b);
        pixel_range(a, b, box.x0, box.x1, x0, x1);
    } else {
        x0 = box.x1;
        x1 = box.x0;
        for (int y = top; y < bottom; ++y) {
            int left, right;
            stroke.row_span(T(y) + T(0.5), a, b);
            pixel_range(a, b, box.x0, box.x1, left, right);
            if (right <= left) continue;
            x0 = min(x0, left);
            x1 = max(x1, right);
        }
    }
}

// One thread a stroke, which it adds to the sets of the tiles that it touches.
template <typename Stroke>
__global__ void __launch_bounds__(kThreads)
    bin_kernel(const Stroke* __restrict__ strokes, const PixelBox* __restrict__ boxes, int64_t batch,
               int64_t per_canvas, Grid grid, Masks masks) {
    const int64_t n = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    if (n >= batch * per_canvas) return;
    NP_COUNT(kBoxTests, 1);
    const PixelBox box = boxes[n];
    if (box.empty()) return;
    const int64_t canvas = n / per_canvas, number = n % per_canvas;
    const TileBox tiles(box);
    for (int row = tiles.y0; row < tiles.y1; ++row) {
        int x0, x1;
        span(strokes[n], box, max(row * kTile, box.y0), min((row + 1) * kTile, box.y1), x0, x1);
        if (x1 <= x0) continue;
        uint32_t* const first = masks.of(canvas * grid.tiles + row * grid.tiles_x);
        for (int column = x0 / kTile; column <= (x1 - 1) / kTile; ++column) add(first + column * masks.size, number);
    }
}

// The numbers of the strokes in words [begin, end) of a set, written to `list` in order. Returns how many. All threads
// must call it; `list` is ready on return.
__device__ __forceinline__ int list_strokes(const uint32_t* set, int64_t begin, int64_t end, int32_t* list) {
    __shared__ int warp_counts[kWarps];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    int total = 0;
    for (; begin < end; begin += kThreads) {
        const int64_t i = begin + threadIdx.x;
        uint32_t word = i < end ? set[i] : 0;
        NP_COUNT(kMaskWords, i < end);
        const int own = __popc(word);
        int upto = own;
#pragma unroll
        for (int step = 1; step < 32; step *= 2) {
            const int lower = __shfl_up_sync(kAllLanes, upto, step);
            if (lane >= step) upto += lower;
        }
        if (lane == 31) warp_counts[warp] = upto;
        __syncthreads();
        int place = total + upto - own;
#pragma unroll
        for (int w = 0; w < kWarps; ++w) {
            if (w < warp) place += warp_counts[w];
            total += warp_counts[w];
        }
        for (; word != 0; word &= word - 1) list[place++] = static_cast<int32_t>(32 * i + __ffs(word) - 1);
        __syncthreads();
    }
    return total;
}

// The next number of the queue, for a block; its threads must all call it. Which block has which is left to chance, so
// no result may depend on it.
__device__ __forceinline__ int next(int* queue) {
    __shared__ int taken;
    __syncthreads();
    if (threadIdx.x == 0) taken = atomicAdd(queue, 1);
    __syncthreads();
    return taken;
}

}  // namespace neuralpaint::cuda
