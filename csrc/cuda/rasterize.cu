#include "cuda/rasterize.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>
#include <type_traits>

#include "cuda/strokes.cuh"

namespace neuralpaint::cuda {
namespace {

constexpr int kChunk = 1024;  // neighbouring pixels of a stroke's canvas that a block draws

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

// Writes `count` elements of `from` (shared memory; nullptr: zeros), 16 bytes at a time where `packs` allows.
template <typename Out>
__device__ __forceinline__ void write(const Out* from, int count, bool packs, Out* to) {
    if (packs) {
        constexpr int V = 16 / sizeof(Out);
        const auto* source = reinterpret_cast<const uint4*>(from);
        auto* target = reinterpret_cast<uint4*>(to);
        for (int i = threadIdx.x; i < count / V; i += kThreads) {
            target[i] = source == nullptr ? make_uint4(0, 0, 0, 0) : source[i];
        }
    } else {
        Out zero;
        convert(0.0f, zero);
        for (int i = threadIdx.x; i < count; i += kThreads) to[i] = from == nullptr ? zero : from[i];
    }
}

// One block: kChunk pixels of one stroke, computed into shared memory, then written plane by plane.
template <typename Out, typename Stroke>
__global__ void __launch_bounds__(kThreads, kBlocksPerUnit<typename Stroke::Scalar>)
    draw_kernel(const Stroke* __restrict__ strokes, const PixelBox* __restrict__ boxes, int height, int width,
                int chunks, bool packs, Out* __restrict__ foreground, Out* __restrict__ alpha) {
    using T = typename Stroke::Scalar;
    __shared__ alignas(16) unsigned char memory[sizeof(Stroke)];
    __shared__ alignas(16) Out drawn[4][kChunk];
    const int64_t n = blockIdx.x / chunks, plane = static_cast<int64_t>(height) * width;
    const int64_t first = static_cast<int64_t>(blockIdx.x % chunks) * kChunk;
    const int count = static_cast<int>(min(static_cast<int64_t>(kChunk), plane - first));
    const int row = static_cast<int>(first / width), column = static_cast<int>(first % width);
    const PixelBox box = boxes[n];
    Out* const planes[4] = {foreground + (3 * n) * plane + first, foreground + (3 * n + 1) * plane + first,
                            foreground + (3 * n + 2) * plane + first, alpha + n * plane + first};

    if (box.empty() || row >= box.y1 || row + (column + count - 1) / width < box.y0) {
#pragma unroll
        for (int c = 0; c < 4; ++c) write<Out>(nullptr, count, packs, planes[c]);
        return;
    }
    fetch(strokes + n, memory, threadIdx.x, kThreads);
    __syncthreads();
    const Stroke& stroke = *reinterpret_cast<const Stroke*>(memory);
    for (int i = threadIdx.x; i < count; i += kThreads) {
        const int y = row + (column + i) / width, x = (column + i) % width;
        T values[4] = {T(0), T(0), T(0), T(0)};
        if (box.holds(x, y)) {
            const Sample<T> s = stroke.sample(T(x) + T(0.5), T(y) + T(0.5));
            if (s.coverage > T(0)) {
#pragma unroll
                for (int c = 0; c < 3; ++c) values[c] = stroke.paint.color(c, s);
                values[3] = s.coverage * stroke.paint.opacity;
            }
        }
#pragma unroll
        for (int c = 0; c < 4; ++c) convert(values[c], drawn[c][i]);
    }
    __syncthreads();
#pragma unroll
    for (int c = 0; c < 4; ++c) write<Out>(drawn[c], count, packs, planes[c]);
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
    __shared__ alignas(16) unsigned char memory[sizeof(Stroke)];
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
    const int columns = box.x1 - box.x0, pixels = bottom > top && columns > 0 ? (bottom - top) * columns : 0;
    for (int i = threadIdx.x; i < pixels; i += kThreads) {
        const int y = top + i / columns, x = box.x0 + i % columns;
        const T yc = T(y) + T(0.5), xc = T(x) + T(0.5);
        const Sample<T> s = stroke.sample(xc, yc);
        if (!(s.coverage > T(0))) continue;
        const int64_t p = static_cast<int64_t>(y) * width + x;
        const T g_alpha = grad_alpha[n * plane + p];
        T g_t(0), g_extra(0);
#pragma unroll
        for (int c = 0; c < 3; ++c) {
            stroke.paint.color_grad(c, s, grad_foreground[(n * 3 + c) * plane + p], sums + Stroke::kSums, g_t, g_extra);
        }
        sums[kSums - 1] += g_alpha * s.coverage;
        stroke.accumulate(xc, yc, s, g_alpha * stroke.paint.opacity, g_t, g_extra, sums);
    }
    const T total = block_sums<kSums>(sums, warps);
    if (threadIdx.x < kSums) partial[static_cast<int64_t>(blockIdx.x) * kSums + threadIdx.x] = total;
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
    finish_stroke(strokes[n], params + n * Stroke::kParameters, view_of<T>(scale, nullptr, 0, softness), sums,
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
    const int chunks = static_cast<int>((plane + kChunk - 1) / kChunk);
    with_stroke<T>(kind, [&](auto tag) {
        using Stroke = typename decltype(tag)::type;
        const Workspace<Stroke> ws(workspace, count, 0);
        setup_kernel<Stroke><<<blocks_for(count), kThreads, 0, stream>>>(strokes, count, count, atlas, scale,
                                                                         static_cast<const T*>(nullptr), softness,
                                                                         height, width, ws.strokes, ws.boxes);
        const auto draw = [&](auto* fg, auto* a) {
            using Out = std::remove_pointer_t<decltype(fg)>;
            const bool aligned = (reinterpret_cast<uintptr_t>(fg) | reinterpret_cast<uintptr_t>(a)) % 16 == 0;
            const bool packs = aligned && plane * sizeof(Out) % 16 == 0;
            draw_kernel<Out, Stroke>
                <<<count * chunks, kThreads, 0, stream>>>(ws.strokes, ws.boxes, height, width, chunks, packs, fg, a);
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
        setup_kernel<Stroke><<<blocks_for(count), kThreads, 0, stream>>>(strokes, count, count, atlas, scale,
                                                                         static_cast<const T*>(nullptr), softness,
                                                                         height, width, ws.strokes, ws.boxes);
        backward_kernel<Stroke><<<count * splits, kThreads, 0, stream>>>(grad_foreground, grad_alpha, ws.strokes,
                                                                         ws.boxes, height, width, splits, ws.partial);
        finish_kernel<Stroke><<<blocks_for(count), kThreads, 0, stream>>>(strokes, ws.strokes, count, scale, softness,
                                                                          splits, ws.partial, grad);
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
