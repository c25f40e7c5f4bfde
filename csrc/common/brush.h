// What every brush has in common: how a stroke is placed on a canvas, what it says of a pixel, and how its colours
// shade. A brush is a struct Stroke<T> with
//   kKind (its number in Python), kParameters, kShape (leading geometry numbers), kSums
//   kSize, kSizes (where its lengths begin, and how many they are)
//   kPure, kPures (where the shape's numbers that are no lengths begin, ratios and angles, and how many they are),
//   kPureLimit (how far from 0 they count)
//   kGradient (two colours), kRidge (bristle relief), kTextured (reads the atlas), kCurve (a Bézier curve's footprint),
//   kGuided (a curve that also guesses the nearest points of a block's pixels)
//   setup(p, view, atlas)          pixel-space constants of the stroke p
//   bounds(), row_span(y, a, b)    its footprint, in pixels (a curve: rows_span(top, bottom, a, b))
//   sample(x, y)                   coverage and colour position at pixel centres (x, y)
//   sample(x, y, near)             the same where a curve's samples have been narrowed down (kCurve)
//   distances(x, y, half_x, half_y, k, low, high)  bounds of a block's distances from sample k (kCurve, not kGuided)
//   guess(...), sample(x, y, near, guess)  where a block's nearest points are, and the same with that (kGuided)
//   accumulate(x, y, s, ...)       adds the geometry's part of the chain rule to kSums running sums; s is that sample
//   finish(p, view, sums, grad)    turns the sums into derivatives by the stroke's numbers
// written once over a value type V: a float, a double, or SIMD lanes of them. Its header ends with NP_BRUSH, and
// dispatch.h includes it: nothing else has to know of it.
#pragma once

#include <cfloat>
#include <utility>

#include "common/scalar.h"
#include "common/texture.h"

namespace neuralpaint {

// The stroke type of the brush with a number, or void. Numbers from kBrushNumbers on are not for kernels.
constexpr int kBrushNumbers = 16;
template <int Kind>
struct BrushOf {
    template <typename T>
    using Stroke = void;
};
#define NP_BRUSH(Name)                   \
    template <>                          \
    struct BrushOf<Name<float>::kKind> { \
        template <typename T>            \
        using Stroke = Name<T>;          \
    };

// Numbers count up to a limit far outside of any picture, and beyond it as the limit itself, so that no finite stroke
// makes an infinity or a NaN: lengths and positions in pixels, the width of an edge, colours. Opacity counts from 0 to
// 2, so that |1 - opacity| <= 1, and layers of such strokes do not grow without bound.
constexpr float kFarthest = 1 << 26, kSharpest = 1.0f / (1 << 20), kBrightest = 1 << 13, kMostOpaque = 2;

// From units to pixels: a point (x, y) lies at pixel ((x - ox) * scale, (y - oy) * scale).
template <typename T>
struct View {
    T scale;
    T ox, oy;
    T softness;  // width of an antialiased edge, pixels
};

// The number of units that are kFarthest pixels, or as many as can be added to each other.
template <typename T>
NP_HD T farthest_units(T scale) {
    return vmin(T(kFarthest) / scale, sizeof(T) == 4 ? T(FLT_MAX) / T(4) : T(DBL_MAX) / T(4));
}

template <typename T>
NP_HD View<T> make_view(T scale, T ox, T oy, T softness) {
    const T far = farthest_units(scale);
    return {scale, clamp(ox, -far, far), clamp(oy, -far, far), clamp(softness, T(kSharpest), T(kFarthest))};
}

template <typename T>
struct Bounds {
    T x0, y0, x1, y1;
};

// What a stroke says of one pixel: geometric coverage in [0, 1] (opacity not included), position along the colour
// gradient, and one number of the brush's own (oil: ridge height; marker: which side of the square is the nearest).
template <typename V>
struct Sample {
    V coverage, t, extra;
};

// The same of a brush whose colour does not run along its curve: with the nearest point's parameter, for accumulate.
template <typename V>
struct PlacedSample : Sample<V> {
    V place;
};

// What a brush's sample() returns, of pixels V.
template <typename Stroke, typename V>
using SampleOf = decltype(std::declval<const Stroke&>().sample(std::declval<V>(), std::declval<V>()));

// The colours of a stroke: c = c0 + t·(c2 - c0); the ridge R is blended in by soft light, c + (2R - 1)·c·(1 - c), which
// leaves pure black and pure white as they are.
template <typename T, bool Gradient, bool Ridge>
struct Paint {
    T c0[3], dc[3], opacity;

    NP_HD void setup(const T* colors) {
        for (int c = 0; c < 3; ++c) {
            c0[c] = colors[c];
            dc[c] = Gradient ? colors[3 + c] - colors[c] : T(0);
        }
        opacity = colors[Gradient ? 6 : 3];
    }

    template <typename V>
    NP_HD V color(int c, const Sample<V>& s) const {
        V base = V(c0[c]);
        if (Gradient) base = base + s.t * V(dc[c]);
        if (Ridge) base = base + (s.extra + s.extra - V(1)) * base * (V(1) - base);
        return base;
    }

    // Chain rule through color(): adds to the sums of c0 and c2, and to the derivatives by t and by the ridge.
    static constexpr int kSums = Gradient ? 7 : 4;
    template <typename V>
    NP_HD void color_grad(int c, const Sample<V>& s, V g, V* sums, V& g_t, V& g_extra) const {
        V g_base = g;
        if (Ridge) {
            const V base = V(c0[c]) + s.t * V(dc[c]);
            const V k = s.extra + s.extra - V(1);
            g_base = g * (V(1) + k * (V(1) - base - base));
            g_extra += V(2) * g * base * (V(1) - base);
        }
        if (Gradient) {
            sums[c] += g_base * (V(1) - s.t);
            sums[3 + c] += g_base * s.t;
            g_t += g_base * V(dc[c]);
        } else {
            sums[c] += g_base;
        }
    }
};

// A real coordinate as a pixel index within [low, high]; NaN becomes low.
template <typename T>
NP_HD int pixel_index(T x, int low, int high) {
    return x > T(low) ? (x < T(high) ? static_cast<int>(x) : high) : low;
}

// Pixels [first, last) of a row or column whose centres may lie in [a, b] (a pixel more on each side, for rounding).
template <typename T>
NP_HD void pixel_range(T a, T b, int low, int high, int& first, int& last) {
    first = pixel_index(vfloor(a - T(0.5)), low, high);
    last = b >= a ? pixel_index(vceil(b + T(0.5)), low, high) : first;
    if (last < first) last = first;
}

// A stroke's running sums: geometry, then colours, then opacity.
template <typename Stroke>
constexpr int kTotalSums = Stroke::kSums + decltype(Stroke::paint)::kSums;

// A stroke's number i as it counts. NaN stays NaN.
template <typename Stroke, typename T>
NP_HD T limited(const T* p, int i, T far) {
    const bool pure = i >= Stroke::kPure && i < Stroke::kPure + Stroke::kPures;
    const bool opacity = i == Stroke::kParameters - 1;
    const T most = i >= Stroke::kShape ? T(opacity ? kMostOpaque : kBrightest) : pure ? T(Stroke::kPureLimit) : far;
    const T least = opacity ? T(0) : -most;
    return p[i] < least ? least : p[i] > most ? most : p[i];
}

template <typename Stroke, typename T>
NP_HD void setup_stroke(Stroke& stroke, const T* p, const View<T>& view, const TextureAtlas& atlas) {
    const T far = farthest_units(view.scale);
    T numbers[Stroke::kParameters];
    for (int i = 0; i < Stroke::kParameters; ++i) numbers[i] = limited<Stroke>(p, i, far);
    stroke.setup(numbers, view, atlas);
}

// The derivatives by the stroke's numbers, from the sums of its pixels: within the largest finite value, and 0 by a
// number beyond its limit.
template <typename Stroke, typename T>
NP_HD void finish_stroke(const Stroke& stroke, const T* p, const View<T>& view, const T* sums, T* grad) {
    const T far = farthest_units(view.scale), largest = sizeof(T) == 4 ? T(FLT_MAX) : T(DBL_MAX);
    T numbers[Stroke::kParameters];
    for (int i = 0; i < Stroke::kParameters; ++i) numbers[i] = limited<Stroke>(p, i, far);
    stroke.finish(numbers, view, sums, grad);
    for (int i = 0; i < decltype(Stroke::paint)::kSums; ++i) grad[Stroke::kShape + i] = sums[Stroke::kSums + i];
    for (int i = 0; i < Stroke::kParameters; ++i) {
        const T g = grad[i] < -largest ? -largest : grad[i] > largest ? largest : grad[i];
        const T number = limited<Stroke>(p, i, far);  // once more: to keep them takes registers
        grad[i] = p[i] < number || p[i] > number ? T(0) : g;
    }
}

}  // namespace neuralpaint
