#include "cpu/rasterize.h"

#include <ATen/Parallel.h>
#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <cstring>
#include <type_traits>
#include <vector>

#include "cpu/pixels.h"

namespace neuralpaint::cpu {
namespace {

template <typename Out, typename T>
inline void convert_row(const T* row, int n, Out* out) {
    if constexpr (std::is_same_v<Out, T>) {
        std::memcpy(out, row, n * sizeof(T));
    } else if constexpr (std::is_same_v<Out, uint8_t>) {
#pragma omp simd
        for (int i = 0; i < n; ++i) {
            out[i] = static_cast<uint8_t>(static_cast<int>(std::min(std::max(row[i], T(0)), T(1)) * T(255) + T(0.5)));
        }
    } else {
        for (int i = 0; i < n; ++i) out[i] = static_cast<Out>(static_cast<float>(row[i]));
    }
}

// Draws one stroke: rows outside its footprint are cleared, rows inside are computed in `row` (4 x padded width) and
// converted into place.
template <typename Out, typename Stroke, typename T>
void draw(const Stroke& stroke, int height, int width, T* row, int padded, Out* foreground, Out* alpha) {
    using V = LanesOf<T>;
    constexpr int L = kLanes<T>;
    const int64_t plane = int64_t(height) * width;
    Out* planes[4] = {foreground, foreground + plane, foreground + 2 * plane, alpha};
    const Bounds<T> box = stroke.bounds();
    int top, bottom;
    pixel_range(box.y0, box.y1, 0, height, top, bottom);
    for (Out* out : planes) {
        std::memset(out, 0, top * width * sizeof(Out));
        std::memset(out + int64_t(bottom) * width, 0, int64_t(height - bottom) * width * sizeof(Out));
    }
    const V opacity(stroke.paint.opacity);
    for (int y = top; y < bottom; ++y) {
        const T yc = T(y) + T(0.5);
        T a, b;
        stroke.row_span(yc, a, b);
        int left, right;
        pixel_range(a, b, 0, width, left, right);
        for (int x = left; x < right; x += L) {
            const Sample<V> s = stroke.sample(ramp<T, L>(T(x) + T(0.5)), V(yc));
            const auto on = s.coverage > V(0);
            for (int c = 0; c < 3; ++c) {
                store<T, L>(row + c * padded + x, select(on, stroke.paint.color(c, s), V(0)));
            }
            store<T, L>(row + 3 * padded + x, s.coverage * opacity);
        }
        for (int c = 0; c < 4; ++c) {
            Out* out = planes[c] + int64_t(y) * width;
            std::memset(out, 0, left * sizeof(Out));
            convert_row<Out>(row + c * padded + left, right - left, out + left);
            std::memset(out + right, 0, (width - right) * sizeof(Out));
        }
    }
}

template <typename Out, typename T>
void rasterize_as(const T* strokes, int64_t count, int kind, const TextureAtlas& atlas, int height, int width,
                  T softness, Out* foreground, Out* alpha) {
    const View<T> view{static_cast<T>(std::min(height, width)), T(0), T(0), softness};
    const int64_t plane = int64_t(height) * width;
    const int padded = width + kLanes<T>;
    with_stroke<T>(kind, [&](auto tag) {
        using Stroke = typename decltype(tag)::type;
        at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
            std::vector<T> row(4 * padded);
            Stroke stroke;
            for (int64_t n = begin; n < end; ++n) {
                stroke.setup(strokes + n * Stroke::kParameters, view, atlas);
                draw(stroke, height, width, row.data(), padded, foreground + n * 3 * plane, alpha + n * plane);
            }
        });
    });
}

}  // namespace

template <typename T>
void rasterize(const T* strokes, int64_t count, int kind, const TextureAtlas& atlas, int height, int width, T softness,
               Output output, void* foreground, void* alpha) {
    const auto run = [&](auto* fg, auto* a) {
        rasterize_as(strokes, count, kind, atlas, height, width, softness, fg, a);
    };
    switch (output) {
        case Output::kSame:
            return run(static_cast<T*>(foreground), static_cast<T*>(alpha));
        case Output::kHalf:
            return run(static_cast<c10::Half*>(foreground), static_cast<c10::Half*>(alpha));
        case Output::kBFloat16:
            return run(static_cast<c10::BFloat16*>(foreground), static_cast<c10::BFloat16*>(alpha));
        case Output::kByte:
            return run(static_cast<uint8_t*>(foreground), static_cast<uint8_t*>(alpha));
    }
}

template <typename T>
void rasterize_backward(const T* grad_foreground, const T* grad_alpha, const T* strokes, int64_t count, int kind,
                        const TextureAtlas& atlas, int height, int width, T softness, T* grad) {
    using V = LanesOf<T>;
    constexpr int L = kLanes<T>;
    const View<T> view{static_cast<T>(std::min(height, width)), T(0), T(0), softness};
    const int64_t plane = int64_t(height) * width;
    with_stroke<T>(kind, [&](auto tag) {
        using Stroke = typename decltype(tag)::type;
        constexpr int kShapeSums = Stroke::kSums, kSums = kTotalSums<Stroke>;
        at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
            Stroke stroke;
            for (int64_t n = begin; n < end; ++n) {
                const T* p = strokes + n * Stroke::kParameters;
                stroke.setup(p, view, atlas);
                V sums[kSums];
                for (V& s : sums) s = V(0);
                const Bounds<T> box = stroke.bounds();
                int top, bottom;
                pixel_range(box.y0, box.y1, 0, height, top, bottom);
                for (int y = top; y < bottom; ++y) {
                    const V yc(T(y) + T(0.5));
                    T a, b;
                    stroke.row_span(T(y) + T(0.5), a, b);
                    int left, right;
                    pixel_range(a, b, 0, width, left, right);
                    for (int x = left; x < right; x += L) {
                        const int lanes = std::min(L, right - x);
                        // Lanes past the row's end read zeros, so they add nothing.
                        const auto read = [&](const T* source) {
                            const T* from = source + int64_t(y) * width + x;
                            if (lanes == L) return load<T, L>(from);
                            T part[L] = {};
                            std::memcpy(part, from, lanes * sizeof(T));
                            return load<T, L>(part);
                        };
                        const V xc = ramp<T, L>(T(x) + T(0.5));
                        const Sample<V> s = stroke.sample(xc, yc);
                        const auto on = s.coverage > V(0);
                        if (!any(on)) continue;
                        const V g_alpha = select(on, read(grad_alpha + n * plane), V(0));
                        V g_t(0), g_extra(0);
                        for (int c = 0; c < 3; ++c) {
                            const V g = select(on, read(grad_foreground + (n * 3 + c) * plane), V(0));
                            stroke.paint.color_grad(c, s, g, sums + kShapeSums, g_t, g_extra);
                        }
                        sums[kSums - 1] += g_alpha * s.coverage;
                        stroke.accumulate(xc, yc, s, g_alpha * V(stroke.paint.opacity), g_t, g_extra, sums);
                    }
                }
                T total[kSums];
                for (int i = 0; i < kSums; ++i) total[i] = sum(sums[i]);
                finish_stroke(stroke, p, view, total, grad + n * Stroke::kParameters);
            }
        });
    });
}

#define NP_INSTANTIATE(T)                                                                                             \
    template void rasterize<T>(const T*, int64_t, int, const TextureAtlas&, int, int, T, Output, void*, void*);       \
    template void rasterize_backward<T>(const T*, const T*, const T*, int64_t, int, const TextureAtlas&, int, int, T, \
                                        T*);
NP_INSTANTIATE(float)
NP_INSTANTIATE(double)
#undef NP_INSTANTIATE

}  // namespace neuralpaint::cpu
