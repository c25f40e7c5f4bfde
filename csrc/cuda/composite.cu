#include <cuda_runtime.h>

#include <algorithm>

#include "cuda/composite.h"
#include "cuda/launch.cuh"

namespace neuralpaint::cuda {
namespace {

constexpr int kThreads = 128;

// Strokes whose colours and underlying canvases the backward pass holds in registers at a time.
constexpr int kSegment = 4;

// V neighbouring pixels of one plane, read and written at once.
template <typename T, int V>
struct alignas(sizeof(T) * V) Pack {
    T v[V];
};

template <typename T, int V>
__device__ __forceinline__ Pack<T, V> load(const T* from) {
    NP_COUNT(kBytes, sizeof(Pack<T, V>));
    return *reinterpret_cast<const Pack<T, V>*>(from);
}

template <typename T, int V>
__device__ __forceinline__ void store(T* to, const Pack<T, V>& pack) {
    NP_COUNT(kBytes, sizeof(Pack<T, V>));
    *reinterpret_cast<Pack<T, V>*>(to) = pack;
}

// a * c + (1 - a) * under: exact for a = 0 and a = 1.
template <typename T, int V>
__device__ __forceinline__ Pack<T, V> blend(const Pack<T, V>& a, const Pack<T, V>& c, const Pack<T, V>& under) {
    Pack<T, V> result;
#pragma unroll
    for (int i = 0; i < V; ++i) result.v[i] = a.v[i] * c.v[i] + (T(1) - a.v[i]) * under.v[i];
    return result;
}

// One thread: V pixels of one image through all strokes.
template <typename T, int V>
__global__ void __launch_bounds__(kThreads)
    composite_kernel(const T* __restrict__ canvas, const T* __restrict__ foreground, const T* __restrict__ alpha,
                     T* __restrict__ output, int64_t packs, int64_t strokes, int64_t pixels) {
    const int64_t pack = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    if (pack >= packs) return;
    const int64_t per_image = pixels / V;
    const int64_t b = pack / per_image, p = (pack % per_image) * V;

    Pack<T, V> h[3];
#pragma unroll
    for (int c = 0; c < 3; ++c) h[c] = load<T, V>(canvas + (b * 3 + c) * pixels + p);
    const T* colour = foreground + b * strokes * 3 * pixels + p;
    const T* matte = alpha + b * strokes * pixels + p;
#pragma unroll 4
    for (int64_t t = 0; t < strokes; ++t, colour += 3 * pixels, matte += pixels) {
        const Pack<T, V> a = load<T, V>(matte);
#pragma unroll
        for (int c = 0; c < 3; ++c) h[c] = blend(a, load<T, V>(colour + c * pixels), h[c]);
    }
#pragma unroll
    for (int c = 0; c < 3; ++c) store(output + (b * 3 + c) * pixels + p, h[c]);
}

// The first walk keeps the canvas before every segment of strokes but the last, and the maps of the last `held` of
// them, in shared memory; what does not fit there is kept in the workspace, [batch, segments - 1, 3, pixels], or read
// again. The second goes through the segments from the last: canvases under its strokes recomputed, then backwards.
// Three blocks a multiprocessor leave 170 registers a thread, enough for a segment of packs, and have a few hundred
// loads of 512 bytes on their way: far more than the memory's latency asks for.
template <typename T, int V>
struct Held {
    Pack<T, V> a[kSegment][kThreads], colour[kSegment][3][kThreads], before[3][kThreads];
};

template <typename T, int V>
__global__ void __launch_bounds__(kThreads, 3)
    composite_backward_kernel(const T* __restrict__ grad, const T* __restrict__ canvas,
                              const T* __restrict__ foreground, const T* __restrict__ alpha,
                              T* __restrict__ grad_canvas, T* __restrict__ grad_foreground, T* __restrict__ grad_alpha,
                              T* __restrict__ workspace, int64_t packs, int64_t strokes, int64_t pixels, int held) {
    NP_DYNAMIC_SHARED(uint4, memory);
    auto* const shared = reinterpret_cast<Held<T, V>*>(memory);
    const int thread = threadIdx.x;
    const int64_t pack = static_cast<int64_t>(blockIdx.x) * kThreads + thread;
    if (pack >= packs) return;
    const int64_t per_image = pixels / V;
    const int64_t b = pack / per_image, p = (pack % per_image) * V;
    const int64_t last = max((strokes + kSegment - 1) / kSegment - 1, static_cast<int64_t>(0));
    const int64_t first_held = last - held;

    T* const kept = workspace + b * last * 3 * pixels + p;
    const int64_t colours = b * strokes * 3 * pixels + p;
    const int64_t mattes = b * strokes * pixels + p;

    Pack<T, V> under[kSegment][3];
#pragma unroll
    for (int c = 0; c < 3; ++c) under[0][c] = load<T, V>(canvas + (b * 3 + c) * pixels + p);
    for (int64_t s = 0; s < last; ++s) {
        Held<T, V>* const holder = s < first_held ? nullptr : shared + (s - first_held);
#pragma unroll
        for (int c = 0; c < 3; ++c) {
            if (holder != nullptr) {
                holder->before[c][thread] = under[0][c];
            } else {
                store(kept + (s * 3 + c) * pixels, under[0][c]);
            }
        }
#pragma unroll
        for (int k = 0; k < kSegment; ++k) {
            const int64_t t = s * kSegment + k;
            const Pack<T, V> a = load<T, V>(alpha + mattes + t * pixels);
            if (holder != nullptr) holder->a[k][thread] = a;
#pragma unroll
            for (int c = 0; c < 3; ++c) {
                const Pack<T, V> colour = load<T, V>(foreground + colours + (t * 3 + c) * pixels);
                if (holder != nullptr) holder->colour[k][c][thread] = colour;
                under[0][c] = blend(a, colour, under[0][c]);
            }
        }
    }

    Pack<T, V> g[3];
#pragma unroll
    for (int c = 0; c < 3; ++c) g[c] = load<T, V>(grad + (b * 3 + c) * pixels + p);
    for (int64_t s = last; s >= 0; --s) {
        const int count = static_cast<int>(min(static_cast<int64_t>(kSegment), strokes - s * kSegment));
        const Held<T, V>* const holder = s == last || s < first_held ? nullptr : shared + (s - first_held);
        if (s < last) {  // the last segment's canvas is still at hand
#pragma unroll
            for (int c = 0; c < 3; ++c) {
                under[0][c] = holder != nullptr ? holder->before[c][thread] : load<T, V>(kept + (s * 3 + c) * pixels);
            }
        }
        Pack<T, V> a[kSegment], colour[kSegment][3];
#pragma unroll
        for (int k = 0; k < kSegment; ++k) {
            if (k >= count) break;
            const int64_t t = s * kSegment + k;
            a[k] = holder != nullptr ? holder->a[k][thread] : load<T, V>(alpha + mattes + t * pixels);
#pragma unroll
            for (int c = 0; c < 3; ++c) {
                colour[k][c] = holder != nullptr ? holder->colour[k][c][thread]
                                                 : load<T, V>(foreground + colours + (t * 3 + c) * pixels);
                if (k + 1 < kSegment) under[k + 1][c] = blend(a[k], colour[k][c], under[k][c]);
            }
        }
#pragma unroll
        for (int k = kSegment - 1; k >= 0; --k) {
            if (k >= count) continue;
            const int64_t t = s * kSegment + k;
            Pack<T, V> by_alpha;
#pragma unroll
            for (int i = 0; i < V; ++i) by_alpha.v[i] = T(0);
#pragma unroll
            for (int c = 0; c < 3; ++c) {
                Pack<T, V> by_colour;
#pragma unroll
                for (int i = 0; i < V; ++i) {
                    by_alpha.v[i] += g[c].v[i] * (colour[k][c].v[i] - under[k][c].v[i]);
                    by_colour.v[i] = g[c].v[i] * a[k].v[i];
                    g[c].v[i] *= T(1) - a[k].v[i];
                }
                store(grad_foreground + colours + (t * 3 + c) * pixels, by_colour);
            }
            store(grad_alpha + mattes + t * pixels, by_alpha);
        }
    }
#pragma unroll
    for (int c = 0; c < 3; ++c) store(grad_canvas + (b * 3 + c) * pixels + p, g[c]);
}

// Whether every plane starts at a multiple of 16 bytes.
template <typename T, typename... Pointers>
bool packs_fit(int64_t pixels, Pointers... pointers) {
    return pixels % (16 / sizeof(T)) == 0 && ((reinterpret_cast<uintptr_t>(pointers) % 16 == 0) && ...);
}

int64_t blocks_for(int64_t threads) { return (threads + kThreads - 1) / kThreads; }

}  // namespace

template <typename T>
void launch_composite(const T* canvas, const T* foreground, const T* alpha, T* output, int64_t batch, int64_t strokes,
                      int64_t pixels, cudaStream_t stream) {
    if (batch * pixels == 0) return;
    constexpr int V = 16 / sizeof(T);
    if (packs_fit<T>(pixels, canvas, foreground, alpha, output)) {
        const int64_t packs = batch * pixels / V;
        launch(composite_kernel<T, V>, blocks_for(packs), kThreads, 0, stream, canvas, foreground, alpha, output, packs,
               strokes, pixels);
    } else {
        const int64_t packs = batch * pixels;
        launch(composite_kernel<T, 1>, blocks_for(packs), kThreads, 0, stream, canvas, foreground, alpha, output, packs,
               strokes, pixels);
    }
}

int64_t composite_workspace(int64_t batch, int64_t strokes, int64_t pixels) {
    return strokes > kSegment ? batch * ((strokes + kSegment - 1) / kSegment - 1) * 3 * pixels : 0;
}

// Segments before the last whose maps fit into the shared memory of a block that leaves room for a second one.
template <typename T, int V>
int64_t most_held() {
    return std::min<size_t>(shared_limit(), 110 * 1024) / sizeof(Held<T, V>);
}

template <typename T, int V, typename... Arguments>
void launch_backward(int64_t batch, int64_t strokes, int64_t pixels, cudaStream_t stream, Arguments... arguments) {
    const int64_t packs = batch * pixels / V, segments = (strokes + kSegment - 1) / kSegment;
    const int held = static_cast<int>(std::min(std::max<int64_t>(segments - 1, 0), most_held<T, V>()));
    const size_t bytes = held * sizeof(Held<T, V>);
    const auto kernel = composite_backward_kernel<T, V>;
    if (bytes > 0) cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes));
    launch(kernel, blocks_for(packs), kThreads, bytes, stream, arguments..., packs, strokes, pixels, held);
}

template <typename T>
void launch_composite_backward(const T* grad, const T* canvas, const T* foreground, const T* alpha, T* grad_canvas,
                               T* grad_foreground, T* grad_alpha, T* workspace, int64_t batch, int64_t strokes,
                               int64_t pixels, cudaStream_t stream) {
    if (batch * pixels == 0) return;
    constexpr int V = 16 / sizeof(T);
    // Of single pixels shared memory holds the maps of more strokes.
    const bool fits = (strokes + kSegment - 1) / kSegment - 1 <= most_held<T, V>();
    if (fits &&
        packs_fit<T>(pixels, grad, canvas, foreground, alpha, grad_canvas, grad_foreground, grad_alpha, workspace)) {
        launch_backward<T, V>(batch, strokes, pixels, stream, grad, canvas, foreground, alpha, grad_canvas,
                              grad_foreground, grad_alpha, workspace);
    } else {
        launch_backward<T, 1>(batch, strokes, pixels, stream, grad, canvas, foreground, alpha, grad_canvas,
                              grad_foreground, grad_alpha, workspace);
    }
}

template void launch_composite<float>(const float*, const float*, const float*, float*, int64_t, int64_t, int64_t,
                                      cudaStream_t);
template void launch_composite<double>(const double*, const double*, const double*, double*, int64_t, int64_t, int64_t,
                                       cudaStream_t);
template void launch_composite_backward<float>(const float*, const float*, const float*, const float*, float*, float*,
                                               float*, float*, int64_t, int64_t, int64_t, cudaStream_t);
template void launch_composite_backward<double>(const double*, const double*, const double*, const double*, double*,
                                                double*, double*, double*, int64_t, int64_t, int64_t, cudaStream_t);

}  // namespace neuralpaint::cuda
