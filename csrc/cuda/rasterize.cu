#include "cuda/rasterize.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>
#include <type_traits>

#include "cuda/sampling.cuh"

namespace neuralpaint::cuda {
namespace {

constexpr int kChunk = 1024;            // neighbouring pixels of a stroke's canvas that a block draws at a time
constexpr int kColumns = 8, kRows = 4;  // pixels that a warp looks at together under a curve
constexpr int kTogether = 8;            // such blocks of a warp, whose nearest points are guessed at a time
constexpr int kRun = 4;                 // chunks of a block, which share the wait for the stroke
static_assert(kChunk % kThreads == 0 && kThreads % 4 == 0, "a thread draws as many pixels of every full chunk");

// Blocks that share a multiprocessor at the least: while some compute, the others' writes keep the memory busy. Each
// has 16 KiB of shared memory for float, less for the others. A marker's outline needs more registers than three blocks
// leave it.
template <typename Stroke>
constexpr int kDrawBlocks = sizeof(typename Stroke::Scalar) == 8 ? 1
                            : !Stroke::kCurve                    ? 5
                            : Stroke::kGradient                  ? 3
                                                                 : 2;

__device__ __forceinline__ void convert(float x, float& out) { out = x; }
__device__ __forceinline__ void convert(double x, double& out) { out = x; }
template <typename T>
__device__ __forceinline__ void convert(T x, __half& out) {
    out = __float2half_rn(static_cast<float>(x));
}
template <typename T>
__device__ __forceinline__ void convert(T x, __nv_bfloat16& out) {
    out = __float2bfloat16_rn(static_cast<float>(x));
}
template <typename T>
__device__ __forceinline__ void convert(T x, uint8_t& out) {
    out = static_cast<uint8_t>(static_cast<int>(clamp(x, T(0), T(1)) * T(255) + T(0.5)));
}

// Writes `count` elements to each plane, from shared memory, or zeros: a quarter of the threads a plane, 16 bytes at a
// time where `packs` allows, so that a warp writes 512 neighbouring bytes. Nobody will read them soon: they need not
// stay in the cache.
template <bool kZeros, typename Out>
__device__ __forceinline__ void write(const Out (&from)[4][kChunk], int count, bool packs, Out* foreground, Out* alpha,
                                      int64_t plane) {
    constexpr int kPart = kThreads / 4, V = 16 / sizeof(Out);
    const int c = threadIdx.x / kPart, thread = threadIdx.x % kPart;
    Out* const to = c < 3 ? foreground + c * plane : alpha;
    if (packs) {
        const auto* source = reinterpret_cast<const uint4*>(from[c]);
        auto* target = reinterpret_cast<uint4*>(to);
        for (int i = thread; i < count / V; i += kPart) {
            __stcs(target + i, kZeros ? make_uint4(0, 0, 0, 0) : source[i]);
        }
    } else {
        Out zero;
        convert(0.0f, zero);
        for (int i = thread; i < count; i += kPart) to[i] = kZeros ? zero : from[c][i];
    }
}

// One thread a stroke.
template <typename Stroke, typename T = typename Stroke::Scalar>
__global__ void __launch_bounds__(kThreads)
    setup_kernel(const T* __restrict__ params, int64_t count, TextureAtlas atlas, T scale, T softness, int height,
                 int width, Stroke* strokes, PixelBox* boxes) {
    const int64_t n = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    if (n >= count) return;
    set_up(params + n * Stroke::kParameters, view_of<T>(scale, nullptr, 0, {softness}), atlas, height, width,
           strokes + n, boxes + n);
}

// One block: kRun chunks of one stroke, each computed into shared memory, then written plane by plane. What the stroke
// does not touch is written at once.
template <typename Out, typename Stroke>
__global__ void __launch_bounds__(kThreads, kDrawBlocks<Stroke>)
    draw_kernel(const Stroke* __restrict__ strokes, const PixelBox* __restrict__ boxes, int height, int width, int runs,
                bool packs, Out* __restrict__ foreground, Out* __restrict__ alpha) {
    using T = typename Stroke::Scalar;
    alignas(16) __shared__ unsigned char memory[sizeof(Stroke)];
    alignas(16) __shared__ Out drawn[4][kChunk];
    const int64_t n = blockIdx.x / runs, plane = static_cast<int64_t>(height) * width;
    const int64_t begin = static_cast<int64_t>(blockIdx.x % runs) * kRun * kChunk;
    fetch(strokes + n, memory, threadIdx.x, kThreads);
    const Stroke& stroke = *reinterpret_cast<const Stroke*>(memory);
    const PixelBox box = boxes[n];
    foreground += 3 * n * plane;
    alpha += n * plane;

    // The chunk's first pixel and the thread's, moved on without divisions.
    int top = static_cast<int>(begin / width), left = static_cast<int>(begin % width);
    int y = top + (left + static_cast<int>(threadIdx.x)) / width, x = (left + static_cast<int>(threadIdx.x)) % width;
    const int thread_down = kThreads / width, thread_right = kThreads % width;
    const int chunk_down = kChunk / width, chunk_right = kChunk % width;
    const auto move = [width](int& row, int& column, int down, int right) {
        row += down;
        column += right;
        if (column >= width) {
            column -= width;
            ++row;
        }
    };
    // Whether a chunk is whole rows that make whole blocks of pixels for the warps, which share what they know of a
    // curve.
    // Both ways of a marker in double take more registers than there are.
    constexpr bool kTiles = Stroke::kCurve && (Stroke::kGradient || sizeof(T) == 4);
    const bool tiled = kTiles && width % kColumns == 0 && kChunk % (width * kRows) == 0;
    for (int chunk = 0; chunk < kRun; ++chunk) {
        const int64_t first = begin + chunk * kChunk;
        if (first >= plane) return;
        const int count = static_cast<int>(min(static_cast<int64_t>(kChunk), plane - first));
        if (box.empty() || top >= box.y1 || top + chunk_down + 1 < box.y0) {
            write<true>(drawn, count, packs, foreground + first, alpha + first, plane);
#pragma unroll
            for (int i = 0; i < kChunk / kThreads; ++i) move(y, x, thread_down, thread_right);
        } else {
            __syncthreads();  // the stroke is there, and the chunk before is written
            const auto draw = [&](const auto& s, int i) {
                T values[4] = {T(0), T(0), T(0), T(0)};
                if (s.coverage > T(0)) {
#pragma unroll
                    for (int c = 0; c < 3; ++c) values[c] = stroke.paint.color(c, s);
                    values[3] = s.coverage * stroke.paint.opacity;
                }
#pragma unroll
                for (int c = 0; c < 4; ++c) convert(values[c], drawn[c][i]);
            };
            if (tiled) {
                constexpr int kBlocks = kChunk / kThreads;  // of a warp
                const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, across = width / kColumns;
                const auto x_of = [&](int k) { return (warp + k * (kThreads / 32)) % across * kColumns; };
                const auto y_of = [&](int k) { return top + (warp + k * (kThreads / 32)) / across * kRows; };
                const int right = lane % kColumns, down = lane / kColumns;
                WarpNear<Stroke, kBlocks, true> near;
                near.prepare(kBlocks, [&](int k) {
                    const int x0 = x_of(k), y0 = y_of(k);
                    return Looked<Stroke>{stroke, x0, y0, box.holds(x0 + right, y0 + down)};
                });
#pragma unroll 1
                for (int k = 0; k < kBlocks; ++k) {
                    const int u = x_of(k) + right, v = y_of(k) + down;
                    draw(near.sample(stroke, k, u, v, box.holds(u, v)), (v - top) * width + u);
                }
            } else {
#pragma unroll 1
                for (int i = threadIdx.x; i < kChunk; i += kThreads, move(y, x, thread_down, thread_right)) {
                    SampleOf<Stroke, T> s{};
                    if (box.holds(x, y)) {
                        s = stroke.sample(T(x) + T(0.5), T(y) + T(0.5));
                        NP_COUNT(kSamples, 1);
                        NP_COUNT(kCurvePoints, Stroke::kCurve ? 17 : 0);
                        NP_COUNT(kCovers, s.coverage > T(0));
                    }
                    draw(s, i);
                }
            }
            __syncthreads();
            write<false>(drawn, count, packs, foreground + first, alpha + first, plane);
        }
        move(top, left, chunk_down, chunk_right);
    }
}

// A large canvas is shared among several blocks, by rows, so that a single stroke can fill the device.
int splits_of(int height, int width) {
    const int64_t wanted = static_cast<int64_t>(height) * width / 16384;
    return static_cast<int>(std::min<int64_t>({std::max<int64_t>(wanted, 1), 64, height}));
}

// One block: the sums over one part of the rows under one stroke.
template <typename Stroke, typename T = typename Stroke::Scalar>
__global__ void __launch_bounds__(kThreads, kBlocksPerUnit<T>)
    backward_kernel(const T* __restrict__ grad_foreground, const T* __restrict__ grad_alpha,
                    const Stroke* __restrict__ strokes, const PixelBox* __restrict__ boxes, int height, int width,
                    int splits, T* __restrict__ partial) {
    constexpr int kSums = kTotalSums<Stroke>;
    alignas(16) __shared__ unsigned char memory[sizeof(Stroke)];
    __shared__ T warps[kThreads / 32][kSums];
    const int64_t n = blockIdx.x / splits, plane = static_cast<int64_t>(height) * width;
    const int split = static_cast<int>(blockIdx.x % splits);
    const PixelBox box = boxes[n];
    const int top = max(box.y0, static_cast<int>(static_cast<int64_t>(height) * split / splits));
    const int bottom = min(box.y1, static_cast<int>(static_cast<int64_t>(height) * (split + 1) / splits));
    fetch(strokes + n, memory, threadIdx.x, kThreads);
    __syncthreads();
    const Stroke& stroke = *reinterpret_cast<const Stroke*>(memory);

    T sums[kSums];
#pragma unroll
    for (int i = 0; i < kSums; ++i) sums[i] = T(0);
    const auto add = [&](int x, int y, const auto& s) {
        if (!(s.coverage > T(0))) return;
        const T yc = T(y) + T(0.5), xc = T(x) + T(0.5);
        const int64_t p = static_cast<int64_t>(y) * width + x;
        const T g_alpha = grad_alpha[n * plane + p];
        T g_t(0), g_extra(0);
#pragma unroll
        for (int c = 0; c < 3; ++c) {
            stroke.paint.color_grad(c, s, grad_foreground[(n * 3 + c) * plane + p], sums + Stroke::kSums, g_t, g_extra);
        }
        sums[kSums - 1] += g_alpha * s.coverage;
        stroke.accumulate(xc, yc, s, g_alpha * stroke.paint.opacity, g_t, g_extra, sums);
    };
    const int columns = box.x1 - box.x0, pixels = bottom > top && columns > 0 ? (bottom - top) * columns : 0;
    if constexpr (Stroke::kCurve) {
        const int lane = threadIdx.x % 32, across = (columns + kColumns - 1) / kColumns;
        const int blocks = pixels > 0 ? across * ((bottom - top + kRows - 1) / kRows) : 0;
        WarpNear<Stroke, kTogether, true> near;
        for (int begin = threadIdx.x / 32; begin < blocks; begin += kTogether * (kThreads / 32)) {
            const auto block = [&](int k) { return begin + k * (kThreads / 32); };
            const auto x_of = [&](int k) { return box.x0 + block(k) % across * kColumns; };
            const auto y_of = [&](int k) { return top + block(k) / across * kRows; };
            const auto wanted = [&](int k) {
                return x_of(k) + lane % kColumns < box.x1 && y_of(k) + lane / kColumns < bottom;
            };
            const int count = min(kTogether, (blocks - begin + kThreads / 32 - 1) / (kThreads / 32));
            near.prepare(count, [&](int k) { return Looked<Stroke>{stroke, x_of(k), y_of(k), wanted(k)}; });
            for (int k = 0; k < count; ++k) {
                const int x = x_of(k) + lane % kColumns, y = y_of(k) + lane / kColumns;
                add(x, y, near.sample(stroke, k, x, y, wanted(k)));
            }
        }
    } else {
        for (int i = threadIdx.x; i < pixels; i += kThreads) {
            const int y = top + i / columns, x = box.x0 + i % columns;
            const auto s = stroke.sample(T(x) + T(0.5), T(y) + T(0.5));
            NP_COUNT(kSamples, 1);
            NP_COUNT(kCovers, s.coverage > T(0));
            add(x, y, s);
        }
    }
    keep_warp_sums<kSums>(pixels > 0, sums, warps[threadIdx.x / 32]);
    __syncthreads();
    if (threadIdx.x >= kSums) return;
    T total(0);
#pragma unroll
    for (int w = 0; w < kThreads / 32; ++w) total += warps[w][threadIdx.x];
    partial[static_cast<int64_t>(blockIdx.x) * kSums + threadIdx.x] = total;
}

// One thread a stroke: its parts added in order, then the derivatives by its numbers.
template <typename Stroke, typename T = typename Stroke::Scalar>
__global__ void __launch_bounds__(kThreads)
    finish_kernel(const T* __restrict__ params, const Stroke* __restrict__ strokes, int64_t count, T scale, T softness,
                  int splits, const T* __restrict__ partial, T* __restrict__ grad) {
    constexpr int kSums = kTotalSums<Stroke>;
    const int64_t n = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    if (n >= count) return;
    T sums[kSums];
#pragma unroll
    for (int i = 0; i < kSums; ++i) sums[i] = T(0);
    for (int split = 0; split < splits; ++split) {
#pragma unroll
        for (int i = 0; i < kSums; ++i) sums[i] += partial[(n * splits + split) * kSums + i];
    }
    finish_stroke(strokes[n], params + n * Stroke::kParameters, view_of<T>(scale, nullptr, 0, {softness}), sums,
                  grad + n * Stroke::kParameters);
}

template <typename Stroke>
struct Workspace {
    using T = typename Stroke::Scalar;
    Stroke* strokes;
    PixelBox* boxes;
    T* partial;
    int64_t bytes;

    Workspace(void* memory, int64_t count, int splits) {
        Arena arena(memory);
        strokes = arena.template take<Stroke>(count);
        boxes = arena.template take<PixelBox>(count);
        partial = arena.template take<T>(count * splits * kTotalSums<Stroke>);
        bytes = arena.used();
    }
};

template <typename T>
int64_t workspace_bytes(int kind, int64_t count, int splits) {
    int64_t bytes = 0;
    with_stroke<T>(kind,
                   [&](auto tag) { bytes = Workspace<typename decltype(tag)::type>(nullptr, count, splits).bytes; });
    return bytes;
}

}  // namespace

template <typename T>
int64_t rasterize_workspace(int kind, int64_t count) {
    return workspace_bytes<T>(kind, count, 0);
}

template <typename T>
int64_t rasterize_backward_workspace(int kind, int64_t count, int height, int width) {
    return workspace_bytes<T>(kind, count, splits_of(height, width));
}

template <typename T>
void launch_rasterize(const T* strokes, int64_t count, int kind, const TextureAtlas& atlas, int height, int width,
                      T softness, Output output, void* foreground, void* alpha, void* workspace, cudaStream_t stream) {
    if (count == 0) return;
    const T scale = static_cast<T>(std::min(height, width));
    const int64_t plane = static_cast<int64_t>(height) * width;
    const int runs = static_cast<int>((plane + kRun * kChunk - 1) / (kRun * kChunk));
    with_stroke<T>(kind, [&](auto tag) {
        using Stroke = typename decltype(tag)::type;
        const Workspace<Stroke> ws(workspace, count, 0);
        launch(setup_kernel<Stroke>, blocks_for(count), kThreads, 0, stream, strokes, count, atlas, scale, softness,
               height, width, ws.strokes, ws.boxes);
        const auto draw = [&](auto* fg, auto* a) {
            using Out = std::remove_pointer_t<decltype(fg)>;
            const bool aligned = (reinterpret_cast<uintptr_t>(fg) | reinterpret_cast<uintptr_t>(a)) % 16 == 0;
            const bool packs = aligned && plane * sizeof(Out) % 16 == 0;
            launch(draw_kernel<Out, Stroke>, count * runs, kThreads, 0, stream, ws.strokes, ws.boxes, height, width,
                   runs, packs, fg, a);
        };
        switch (output) {
            case Output::kSame:
                return draw(static_cast<T*>(foreground), static_cast<T*>(alpha));
            case Output::kHalf:
                return draw(static_cast<__half*>(foreground), static_cast<__half*>(alpha));
            case Output::kBFloat16:
                return draw(static_cast<__nv_bfloat16*>(foreground), static_cast<__nv_bfloat16*>(alpha));
            case Output::kByte:
                return draw(static_cast<uint8_t*>(foreground), static_cast<uint8_t*>(alpha));
        }
    });
}

template <typename T>
void launch_rasterize_backward(const T* grad_foreground, const T* grad_alpha, const T* strokes, int64_t count, int kind,
                               const TextureAtlas& atlas, int height, int width, T softness, T* grad, void* workspace,
                               cudaStream_t stream) {
    if (count == 0) return;
    const T scale = static_cast<T>(std::min(height, width));
    const int splits = splits_of(height, width);
    with_stroke<T>(kind, [&](auto tag) {
        using Stroke = typename decltype(tag)::type;
        const Workspace<Stroke> ws(workspace, count, splits);
        launch(setup_kernel<Stroke>, blocks_for(count), kThreads, 0, stream, strokes, count, atlas, scale, softness,
               height, width, ws.strokes, ws.boxes);
        launch(backward_kernel<Stroke>, count * splits, kThreads, 0, stream, grad_foreground, grad_alpha, ws.strokes,
               ws.boxes, height, width, splits, ws.partial);
        launch(finish_kernel<Stroke>, blocks_for(count), kThreads, 0, stream, strokes, ws.strokes, count, scale,
               softness, splits, ws.partial, grad);
    });
}

#define NP_INSTANTIATE(T)                                                                                             \
    template int64_t rasterize_workspace<T>(int, int64_t);                                                            \
    template int64_t rasterize_backward_workspace<T>(int, int64_t, int, int);                                         \
    template void launch_rasterize<T>(const T*, int64_t, int, const TextureAtlas&, int, int, T, Output, void*, void*, \
                                      void*, cudaStream_t);                                                           \
    template void launch_rasterize_backward<T>(const T*, const T*, const T*, int64_t, int, const TextureAtlas&, int,  \
                                               int, T, T*, void*, cudaStream_t);
NP_INSTANTIATE(float)
NP_INSTANTIATE(double)
#undef NP_INSTANTIATE

}  // namespace neuralpaint::cuda
