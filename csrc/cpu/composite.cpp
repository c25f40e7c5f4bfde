#include "cpu/composite.h"

#include <algorithm>
#include <memory>

#include "cpu/parallel.h"

namespace neuralpaint::cpu {
namespace {

// Long enough for the hardware prefetchers to stream, short enough for the running canvas to stay in L1.
constexpr int64_t kForwardChunk = 1024;
// What one chunk of the backward pass may hold: the strokes' maps, read twice, and the canvases under them.
constexpr int64_t kBackwardBytes = 384 * 1024;
// Below this many map values a second thread costs more than it gains.
constexpr int64_t kValuesPerTask = 16 * 1024;
// Memory is the limit, and whole cache lines at a time, as AVX-512 would read and write them, are slower: a third with
// the seven streams that backward writes.
template <typename T>
constexpr int kSimdLength = 32 / sizeof(T);

int64_t chunk_grain(int64_t strokes, int64_t chunk) {
    return std::max<int64_t>(1, kValuesPerTask / (4 * (strokes + 1) * chunk));
}

// output = a * c + (1 - a) * under: exact for a = 0 and a = 1. output may be under.
template <typename T>
inline void blend(const T* c0, const T* c1, const T* c2, const T* alpha, const T* under, int64_t under_stride,
                  T* output, int64_t output_stride, int64_t count) {
    const T *u0 = under, *u1 = under + under_stride, *u2 = under + 2 * under_stride;
    T *o0 = output, *o1 = output + output_stride, *o2 = output + 2 * output_stride;
#pragma omp simd simdlen(kSimdLength<T>)
    for (int64_t p = 0; p < count; ++p) {
        const T a = alpha[p];
        const T rest = T(1) - a;
        o0[p] = a * c0[p] + rest * u0[p];
        o1[p] = a * c1[p] + rest * u1[p];
        o2[p] = a * c2[p] + rest * u2[p];
    }
}

}  // namespace

template <typename T>
void composite(const T* canvas, const T* foreground, const T* alpha, T* output, int64_t batch, int64_t strokes,
               int64_t pixels) {
    const int64_t chunk = std::min(kForwardChunk, pixels);
    if (batch == 0 || chunk == 0) return;
    const int64_t chunks = (pixels + chunk - 1) / chunk;
    parallel_for(0, batch * chunks, chunk_grain(strokes, chunk), [&](int64_t begin, int64_t end) {
        for (int64_t task = begin; task < end; ++task) {
            const int64_t b = task / chunks;
            const int64_t first = (task % chunks) * chunk;
            const int64_t count = std::min(chunk, pixels - first);
            T* out = output + b * 3 * pixels + first;
            const T* under = canvas + b * 3 * pixels + first;
            if (strokes == 0) {
                for (int c = 0; c < 3; ++c) std::copy_n(under + c * pixels, count, out + c * pixels);
            }
            for (int64_t t = 0; t < strokes; ++t) {
                const T* colour = foreground + (b * strokes + t) * 3 * pixels + first;
                const T* a = alpha + (b * strokes + t) * pixels + first;
                blend(colour, colour + pixels, colour + 2 * pixels, a, under, pixels, out, pixels, count);
                under = out;
            }
        }
    });
}

template <typename T>
void composite_backward(const T* grad, const T* canvas, const T* foreground, const T* alpha, T* grad_canvas,
                        T* grad_foreground, T* grad_alpha, int64_t batch, int64_t strokes, int64_t pixels) {
    if (batch == 0 || pixels == 0) return;
    // Seven values a pixel and stroke, in whole vectors; many strokes make the buffer outgrow the cache, not fail.
    const int64_t fitting = kBackwardBytes / (7 * static_cast<int64_t>(sizeof(T)) * std::max<int64_t>(1, strokes));
    const int64_t chunk = std::min(std::clamp<int64_t>(fitting / 64 * 64, 256, 4096), pixels);
    const int64_t chunks = (pixels + chunk - 1) / chunk;
    parallel_for(0, batch * chunks, chunk_grain(2 * strokes, chunk), [&](int64_t begin, int64_t end) {
        const std::unique_ptr<T[]> canvases(new T[3 * chunk * std::max<int64_t>(1, strokes)]);
        const std::unique_ptr<T[]> flowing(new T[3 * chunk]);
        for (int64_t task = begin; task < end; ++task) {
            const int64_t b = task / chunks;
            const int64_t first = (task % chunks) * chunk;
            const int64_t count = std::min(chunk, pixels - first);
            for (int c = 0; c < 3; ++c) {
                const int64_t plane = (b * 3 + c) * pixels + first;
                std::copy_n(canvas + plane, count, canvases.get() + c * chunk);
                std::copy_n(grad + plane, count, flowing.get() + c * chunk);
            }
            for (int64_t t = 0; t + 1 < strokes; ++t) {
                const T* colour = foreground + (b * strokes + t) * 3 * pixels + first;
                const T* a = alpha + (b * strokes + t) * pixels + first;
                const T* under = canvases.get() + t * 3 * chunk;
                blend(colour, colour + pixels, colour + 2 * pixels, a, under, chunk,
                      canvases.get() + (t + 1) * 3 * chunk, chunk, count);
            }
            T *g0 = flowing.get(), *g1 = g0 + chunk, *g2 = g1 + chunk;
            for (int64_t t = strokes - 1; t >= 0; --t) {
                const int64_t map = (b * strokes + t) * pixels + first;
                const int64_t colours = (b * strokes + t) * 3 * pixels + first;
                const T* a = alpha + map;
                const T *c0 = foreground + colours, *c1 = c0 + pixels, *c2 = c1 + pixels;
                const T *u0 = canvases.get() + t * 3 * chunk, *u1 = u0 + chunk, *u2 = u1 + chunk;
                T* da = grad_alpha + map;
                T *d0 = grad_foreground + colours, *d1 = d0 + pixels, *d2 = d1 + pixels;
#pragma omp simd simdlen(kSimdLength<T>)
                for (int64_t p = 0; p < count; ++p) {
                    const T rest = T(1) - a[p];
                    da[p] = g0[p] * (c0[p] - u0[p]) + g1[p] * (c1[p] - u1[p]) + g2[p] * (c2[p] - u2[p]);
                    d0[p] = g0[p] * a[p];
                    d1[p] = g1[p] * a[p];
                    d2[p] = g2[p] * a[p];
                    g0[p] *= rest;
                    g1[p] *= rest;
                    g2[p] *= rest;
                }
            }
            for (int c = 0; c < 3; ++c) {
                std::copy_n(flowing.get() + c * chunk, count, grad_canvas + (b * 3 + c) * pixels + first);
            }
        }
    });
}

template void composite<float>(const float*, const float*, const float*, float*, int64_t, int64_t, int64_t);
template void composite<double>(const double*, const double*, const double*, double*, int64_t, int64_t, int64_t);
template void composite_backward<float>(const float*, const float*, const float*, const float*, float*, float*, float*,
                                        int64_t, int64_t, int64_t);
template void composite_backward<double>(const double*, const double*, const double*, const double*, double*, double*,
                                         double*, int64_t, int64_t, int64_t);

}  // namespace neuralpaint::cpu
