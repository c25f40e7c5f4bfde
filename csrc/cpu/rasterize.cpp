#include "cpu/rasterize.h"

#include <cstring>
#include <type_traits>
#include <vector>

#include "common/narrow.h"
#include "cpu/parallel.h"
#include "cpu/pixels.h"

namespace neuralpaint::cpu {
namespace {

template <typename Out, typename T, int L>
inline void store_as(Out* out, Lanes<T, L> v) {
    if constexpr (std::is_same_v<Out, T>) {
        store<T, L>(out, v);
    } else if constexpr (std::is_same_v<Out, uint8_t>) {
        store_bytes<T, L>(out, v);
    } else if constexpr (std::is_same_v<Out, Half>) {
        store_half<T, L>(out, v);
    } else {
        store_bfloat16<T, L>(out, v);
    }
}

// The first `lanes` values of v.
template <typename Out, typename T, int L>
inline void store_part(Out* out, Lanes<T, L> v, int lanes) {
    if (lanes == L) return store_as<Out, T, L>(out, v);
    Out part[L];
    store_as<Out, T, L>(part, v);
    std::memcpy(out, part, lanes * sizeof(Out));
}

// The same numbers, stored as Out.
template <typename Out, typename T>
void convert(const T* from, Out* to, int64_t count) {
    constexpr int L = kLanes<T>;
    int64_t i = 0;
    for (; i + L <= count; i += L) store_as<Out, T, L>(to + i, load<T, L>(from + i));
    if (i == count) return;
    T rest[L] = {};
    std::memcpy(rest, from + i, (count - i) * sizeof(T));
    store_part<Out, T, L>(to + i, load<T, L>(rest), static_cast<int>(count - i));
}

// Draws one stroke, and clears what it leaves out. Of a box that is what lies beside the rows' spans; a curve's packs
// have holes, so its maps are cleared before, which brings them into the cache.
template <typename Out, typename Stroke, typename T>
void draw(const Stroke& stroke, int height, int width, Out* foreground, Out* alpha) {
    using V = LanesOf<T>;
    constexpr int L = kLanes<T>;
    const int64_t plane = int64_t(height) * width;
    const V opacity(stroke.paint.opacity);
    int64_t done = 0;  // pixels of each map that have been written
    const auto clear_to = [&](int64_t end) {
        if (end <= done) return;
        const size_t bytes = static_cast<size_t>(end - done) * sizeof(Out);
        for (int c = 0; c < 3; ++c) std::memset(foreground + c * plane + done, 0, bytes);
        std::memset(alpha + done, 0, bytes);
        done = end;
    };
    const auto pack = [&](int x, int y, const auto& sample) {
        const auto s = sample(ramp<T, L>(T(x) + T(0.5)), V(T(y) + T(0.5)));
        const auto on = s.coverage > V(0);
        if (Stroke::kCurve && !any(on)) return;
        const int64_t at = int64_t(y) * width + x;
        const int lanes = std::min(L, width - x);
        for (int c = 0; c < 3; ++c) {
            store_part(foreground + c * plane + at, select(on, stroke.paint.color(c, s), V(0)), lanes);
        }
        store_part(alpha + at, s.coverage * opacity, lanes);
        if (!Stroke::kCurve) done = at + lanes;
    };
    for_packs(stroke, {0, 0, width, height}, pack,
              [&](int y, int left) { clear_to(Stroke::kCurve ? plane : int64_t(y) * width + left); });
    clear_to(plane);
}

template <typename Out, typename T>
void rasterize_as(const T* strokes, int64_t count, int kind, const TextureAtlas& atlas, int height, int width,
                  T softness, Out* foreground, Out* alpha) {
    const View<T> view = make_view(static_cast<T>(std::min(height, width)), T(0), T(0), softness);
    const int64_t plane = int64_t(height) * width;
    with_stroke<T>(kind, [&](auto tag) {
        using Stroke = typename decltype(tag)::type;
        parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
            Stroke stroke;
            // Doubles are drawn as doubles and converted: nobody waits for it, and the code stays half as large.
            constexpr bool kDirect = std::is_same_v<Out, T> || std::is_same_v<T, float>;
            std::vector<T> maps(kDirect ? 0 : 4 * plane);
            for (int64_t n = begin; n < end; ++n) {
                setup_stroke(stroke, strokes + n * Stroke::kParameters, view, atlas);
                Out *colours = foreground + n * 3 * plane, *matte = alpha + n * plane;
                if constexpr (kDirect) {
                    draw<Out, Stroke, T>(stroke, height, width, colours, matte);
                } else {
                    draw<T, Stroke, T>(stroke, height, width, maps.data(), maps.data() + 3 * plane);
                    convert<Out, T>(maps.data(), colours, 3 * plane);
                    convert<Out, T>(maps.data() + 3 * plane, matte, plane);
                }
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
            return run(static_cast<Half*>(foreground), static_cast<Half*>(alpha));
        case Output::kBFloat16:
            return run(static_cast<BFloat16*>(foreground), static_cast<BFloat16*>(alpha));
        case Output::kByte:
            return run(static_cast<uint8_t*>(foreground), static_cast<uint8_t*>(alpha));
    }
}

template <typename T>
void rasterize_backward(const T* grad_foreground, const T* grad_alpha, const T* strokes, int64_t count, int kind,
                        const TextureAtlas& atlas, int height, int width, T softness, T* grad) {
    using V = LanesOf<T>;
    constexpr int L = kLanes<T>;
    const View<T> view = make_view(static_cast<T>(std::min(height, width)), T(0), T(0), softness);
    const int64_t plane = int64_t(height) * width;
    with_stroke<T>(kind, [&](auto tag) {
        using Stroke = typename decltype(tag)::type;
        constexpr int kShapeSums = Stroke::kSums, kSums = kTotalSums<Stroke>;
        parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
            Stroke stroke;
            for (int64_t n = begin; n < end; ++n) {
                const T* p = strokes + n * Stroke::kParameters;
                setup_stroke(stroke, p, view, atlas);
                V sums[kSums];
                for (V& s : sums) s = V(0);
                for_packs(stroke, {0, 0, width, height}, [&](int x, int y, const auto& sample) {
                    const V xc = ramp<T, L>(T(x) + T(0.5)), yc(T(y) + T(0.5));
                    const auto s = sample(xc, yc);
                    const auto on = s.coverage > V(0);
                    if (!any(on)) return;
                    const int lanes = std::min(L, width - x);
                    // Lanes past the row's end read zeros, so they add nothing.
                    const auto read = [&](const T* source) {
                        const T* from = source + int64_t(y) * width + x;
                        if (lanes == L) return load<T, L>(from);
                        T part[L] = {};
                        std::memcpy(part, from, lanes * sizeof(T));
                        return load<T, L>(part);
                    };
                    const V g_alpha = select(on, read(grad_alpha + n * plane), V(0));
                    V g_t(0), g_extra(0);
                    for (int c = 0; c < 3; ++c) {
                        const V g = select(on, read(grad_foreground + (n * 3 + c) * plane), V(0));
                        stroke.paint.color_grad(c, s, g, sums + kShapeSums, g_t, g_extra);
                    }
                    sums[kSums - 1] += g_alpha * s.coverage;
                    stroke.accumulate(xc, yc, s, g_alpha * V(stroke.paint.opacity), g_t, g_extra, sums);
                });
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
