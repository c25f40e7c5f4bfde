// What the kernels of rasterize and render share: strokes set up once in global memory and brought into shared memory
// by the block that needs them, the pixels under a stroke, sums over a block in a fixed order.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <new>

#include "common/dispatch.h"
#include "cuda/launch.cuh"

namespace neuralpaint::cuda {

constexpr int kThreads = 256;

// Blocks that share a multiprocessor at the least, which bounds a thread's registers (double needs more than two
// allow).
template <typename T>
constexpr int kBlocksPerUnit = sizeof(T) == 4 ? 2 : 1;

// A half-open range of pixels.
struct alignas(16) PixelBox {
    int x0, x1, y0, y1;
    __device__ __forceinline__ bool empty() const { return x1 <= x0 || y1 <= y0; }
    __device__ __forceinline__ bool holds(int x, int y) const { return x >= x0 && x < x1 && y >= y0 && y < y1; }
};

template <typename Stroke>
__device__ __forceinline__ PixelBox pixel_box(const Stroke& stroke, int height, int width) {
    const auto bounds = stroke.bounds();
    PixelBox box;
    pixel_range(bounds.x0, bounds.x1, 0, width, box.x0, box.x1);
    pixel_range(bounds.y0, bounds.y1, 0, height, box.y0, box.y1);
    return box;
}

// The softness of edges: a number, or where on the device it is read, so that a replayed CUDA graph sees it change.
template <typename T>
struct Softness {
    T value;
    const T* at = nullptr;
    __device__ __forceinline__ T get() const { return at == nullptr ? value : *at; }
};

template <typename T>
__device__ __forceinline__ View<T> view_of(T scale, const T* origin, int64_t canvas, const Softness<T>& softness) {
    if (origin == nullptr) return make_view(scale, T(0), T(0), softness.get());
    return make_view(scale, origin[2 * canvas], origin[2 * canvas + 1], softness.get());
}

// A stroke's pixel-space constants and its box.
template <typename Stroke, typename T = typename Stroke::Scalar>
__device__ __forceinline__ void set_up(const T* params, const View<T>& view, const TextureAtlas& atlas, int height,
                                       int width, Stroke* to, PixelBox* box) {
    // What lies between the members, too: `fetch` copies it, and initcheck would complain.
    auto* words = reinterpret_cast<volatile uint32_t*>(to);
    for (int i = 0; i < static_cast<int>(sizeof(Stroke) / sizeof(uint32_t)); ++i) words[i] = 0;
    Stroke* stroke = new (to) Stroke;
    setup_stroke(*stroke, params, view, atlas);
    *box = pixel_box(*stroke, height, width);
}

// Copies `stroke` into shared memory; the block's threads from `thread` on, every `threads`-th word. Sync afterwards.
template <typename Stroke>
__device__ __forceinline__ void fetch(const Stroke* stroke, void* shared, int thread, int threads) {
    static_assert(sizeof(Stroke) % sizeof(uint32_t) == 0, "strokes are copied by words");
    const auto* from = reinterpret_cast<const uint32_t*>(stroke);
    auto* to = static_cast<uint32_t*>(shared);
    for (int i = thread; i < static_cast<int>(sizeof(Stroke) / sizeof(uint32_t)); i += threads) to[i] = from[i];
}

// The halves of a group of 4 * Half lanes trade halves of their 2 * Half values, which they add up.
template <int Half, typename T>
__device__ __forceinline__ void trade(T (&v)[16]) {
    const bool upper = threadIdx.x & (2 * Half);
#pragma unroll
    for (int i = 0; i < Half; ++i) {
        const T traded = upper ? v[i] : v[i + Half], kept = upper ? v[i + Half] : v[i];
        v[i] = kept + __shfl_xor_sync(0xffffffffu, traded, 2 * Half);
    }
}

// Sums over a warp: lane l returns that of value l / 2, always added in the same order. 16 shuffles do for 16 sums,
// which one after the other would take 80.
template <int N, typename T>
__device__ __forceinline__ T warp_sums(const T (&values)[N]) {
    static_assert(N <= 16, "two lanes end with one sum");
    T v[16];
#pragma unroll
    for (int i = 0; i < 16; ++i) v[i] = i < N ? values[i < N ? i : 0] : T(0);
    trade<8>(v);
    trade<4>(v);
    trade<2>(v);
    trade<1>(v);
    return v[0] + __shfl_xor_sync(0xffffffffu, v[0], 1);
}

// Writes warp_sums to `sums`; nothing but zeros if no lane has anything to add. The warp's lanes must all call it.
template <int N, typename T>
__device__ __forceinline__ void keep_warp_sums(bool any, const T (&values)[N], T* sums) {
    const int lane = threadIdx.x % 32;
    if (__any_sync(0xffffffffu, any)) {
        const T sum = warp_sums(values);
        if (lane % 2 == 0 && lane / 2 < N) sums[lane / 2] = sum;
    } else if (lane < N) {
        sums[lane] = T(0);
    }
}

inline int64_t blocks_for(int64_t threads) { return (threads + kThreads - 1) / kThreads; }

// Cuts a workspace into arrays at multiples of 256 bytes; with no memory it only measures.
class Arena {
 public:
    explicit Arena(void* memory) : base_(static_cast<char*>(memory)) {}
    template <typename E>
    E* take(int64_t count) {
        E* result = base_ == nullptr ? nullptr : reinterpret_cast<E*>(base_ + used_);
        used_ += (count * static_cast<int64_t>(sizeof(E)) + 255) / 256 * 256;
        return result;
    }
    int64_t used() const { return used_; }

 private:
    char* base_;
    int64_t used_ = 0;
};

}  // namespace neuralpaint::cuda
