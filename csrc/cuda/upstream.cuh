// What flows back into the pixels of a layer, and what it leaves to flow on.
#pragma once

#include "common/shapes.h"
#include "cuda/tiles.cuh"

namespace neuralpaint::cuda {

// A given gradient. What lies under two opaque strokes has no part in any derivative: the lower one's colours are what
// the upper one's opacity would show.
template <typename T>
struct Given {
    const T* grad;  // may be `rest`
    T* rest;        // null: nobody asks for it

    // The opaque strokes after which nothing of the pixel matters.
    __device__ __forceinline__ int covers(const Pixel& pixel) const {
        T g[3];
        pixel.read(grad, g);
        return g[0] != T(0) || g[1] != T(0) || g[2] != T(0) ? 2 : 0;
    }
    // The gradient g of the finished pixel h.
    __device__ __forceinline__ void start(const Pixel& pixel, int64_t, const T*, T* g) const { pixel.read(grad, g); }
    __device__ __forceinline__ void finish(const Pixel& pixel, const T* g) const {
        if (rest != nullptr) pixel.write(g, rest);
    }
};

// The derivative of a comparison's l1 * sum w|d| + l2 * sum w d^2, whose sums are written for each tile.
template <typename T>
struct PixelLoss {
    Comparison<T> with;
    T* tile_sums;  // [tiles, 2]
    T* rest;       // null: nobody asks for it

    __device__ __forceinline__ int covers(const Pixel& pixel) const { return pixel.inside ? 2 : 0; }
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
    __device__ __forceinline__ void finish(const Pixel& pixel, const T* g) const {
        if (rest != nullptr) pixel.write(g, rest);
    }
};

}  // namespace neuralpaint::cuda
