// Walking the pixels under a stroke, SIMD lanes at a time.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "common/dispatch.h"
#include "common/lanes.h"

namespace neuralpaint {

template <typename T>
using LanesOf = Lanes<T, kLanes<T>>;

// A rectangle of pixels: origin, and size.
struct Window {
    int x0, y0, width, height;
};

// Curves are first looked at in blocks of pixels: which samples of the curve can matter to a block, if any.
constexpr int kBlockRows = 8;
template <typename T>
constexpr int kBlockColumns = kLanes<T> > 8 ? kLanes<T> : 8;

// What is known of the nearest points of a block's pixels.
template <typename T>
struct Near {
    NearSamples samples;
    bool guided;  // by `guess`
    Guess<T> guess;
};

// The blocks with centres (cx, cy), a block a lane. A sample matters if a pixel within `radius` of the centre may have
// its nearest point half an interval around it, nearer than the stroke's edge.
template <typename Stroke, typename T = typename Stroke::Scalar>
inline void find_near(const Stroke& stroke, LanesOf<T> cx, LanesOf<T> cy, T radius, Near<T>* near) {
    using V = LanesOf<T>;
    constexpr int L = kLanes<T>, K = Stroke::kSamples;
    V distance[K + 1], least(T(1e30)), best(0);
    for (int k = 0; k <= K; ++k) {
        distance[k] = stroke.distance(cx, cy, k);
        best = select(distance[k] < least, V(T(k)), best);
        least = vmin(distance[k], least);
    }
    const V limit = vmin(least + V(radius), V(stroke.clear_above()));
    V first(T(K + 1)), last(T(-1));
    for (int k = 0; k <= K; ++k) {
        const auto matters = distance[k] - V(radius + stroke.slack[k]) <= limit;
        first = vmin(select(matters, V(T(k)), V(T(K + 1))), first);
        last = select(matters, V(T(k)), last);
    }
    const V deepest = least + V(radius);
    for (int i = 0; i < L; ++i) {
        near[i].samples = {static_cast<int>(first[i]), static_cast<int>(last[i]), static_cast<int>(best[i]),
                           deepest[i] < stroke.covered_below()};
    }
    if constexpr (Stroke::kGuided) {
        if (!any(first <= last)) return;
        Guess<V> g;
        const V single = select(stroke.guess(cx, cy, first, last, best, radius, g), V(1), V(0));
        for (int i = 0; i < L; ++i) {
            near[i].guided = single[i] > T(0);
            near[i].guess = {g.t0[i], g.by_x[i], g.by_y[i], g.low[i], g.high[i]};
        }
    }
}

// The blocks of a window that a curve may touch, row by row.
template <typename Stroke, typename T = typename Stroke::Scalar>
class BlockWalk {
 public:
    BlockWalk(const Stroke& stroke, const Window& window, int top, int bottom)
        : stroke_(stroke), window_(window), y_(top / kBlockRows * kBlockRows - kBlockRows), bottom_(bottom) {}

    // Sets (x, y) to the first pixel of the next block; false if there is none.
    bool next(int& x, int& y) {
        while (x_ >= right_) {
            y_ += kBlockRows;
            if (y_ >= bottom_) return false;
            T a, b;
            stroke_.rows_span(T(window_.y0 + y_) + T(0.5), T(window_.y0 + y_ + kBlockRows) - T(0.5), a, b);
            int left;
            pixel_range(a - T(window_.x0), b - T(window_.x0), 0, window_.width, left, right_);
            x_ = left / kBlockColumns<T> * kBlockColumns<T>;
            if (left == right_) right_ = x_;
        }
        x = x_;
        y = y_;
        x_ += kBlockColumns<T>;
        return true;
    }

 private:
    const Stroke& stroke_;
    const Window& window_;
    int x_ = 0, right_ = 0, y_, bottom_;
};

// for_packs of a curve, between the rows `top` and `bottom`: as many blocks as there are lanes are looked at together.
template <typename Stroke, typename F, typename Rows>
inline void for_curve_packs(const Stroke& stroke, const Window& window, int top, int bottom, F&& f, Rows&& rows) {
    using T = typename Stroke::Scalar;
    using V = LanesOf<T>;
    constexpr int L = kLanes<T>, C = kBlockColumns<T>;
    const T half_x = T(0.5) * T(C), half_y = T(0.5) * T(kBlockRows);
    const T radius = std::sqrt((half_x - T(0.5)) * (half_x - T(0.5)) + (half_y - T(0.5)) * (half_y - T(0.5)));
    Near<T> near[L];
    int x[L], y[L];
    alignas(64) T cx[L] = {}, cy[L] = {};
    BlockWalk<Stroke> walk(stroke, window, top, bottom);
    for (bool more = true; more;) {
        int count = 0;
        while (count < L && (more = walk.next(x[count], y[count]))) {
            cx[count] = T(window.x0 + x[count]) + half_x;
            cy[count] = T(window.y0 + y[count]) + half_y;
            ++count;
        }
        if (count == 0) break;
        rows(y[0], x[0]);
        find_near(stroke, load<T, L>(cx), load<T, L>(cy), radius, near);
        for (int i = 0; i < count; ++i) {
            if (near[i].samples.last < near[i].samples.first) continue;
            const auto sample = [&, i](V xc, V yc) {
                if constexpr (Stroke::kGuided) {
                    if (near[i].guided) return stroke.sample(xc, yc, near[i].samples, near[i].guess);
                }
                return stroke.sample(xc, yc, near[i].samples);
            };
            const int right = std::min(x[i] + C, window.width), end = std::min(y[i] + kBlockRows, window.height);
            for (int v = y[i]; v < end; ++v) {
                for (int u = x[i]; u < right; u += L) f(u, v, sample);
            }
        }
    }
}

// Calls f(x, y, sample) for every pack of lanes in the window that the stroke may cover; x and y are those of its first
// pixel in the window, x a multiple of the lanes, and sample(xc, yc) is the stroke's at pixel centres. Before the packs
// of a row, or of some of a curve's blocks, it calls rows(y, left), where `left` is where the first of them may begin;
// from there to its last pack a row of a box leaves none out.
template <typename Stroke, typename F, typename Rows>
inline void for_packs(const Stroke& stroke, const Window& window, F&& f, Rows&& rows) {
    using T = typename Stroke::Scalar;
    using V = LanesOf<T>;
    constexpr int L = kLanes<T>;
    const Bounds<T> box = stroke.bounds();
    int top, bottom, left, right;
    pixel_range(box.y0 - T(window.y0), box.y1 - T(window.y0), 0, window.height, top, bottom);
    if constexpr (Stroke::kCurve) {
        if (top < bottom) for_curve_packs(stroke, window, top, bottom, f, rows);
    } else {
        const auto sample = [&](V xc, V yc) { return stroke.sample(xc, yc); };
        for (int y = top; y < bottom; ++y) {
            T a, b;
            stroke.row_span(T(window.y0 + y) + T(0.5), a, b);
            pixel_range(a - T(window.x0), b - T(window.x0), 0, window.width, left, right);
            if (left == right) continue;
            rows(y, left / L * L);
            for (int x = left / L * L; x < right; x += L) f(x, y, sample);
        }
    }
}

template <typename Stroke, typename F>
inline void for_packs(const Stroke& stroke, const Window& window, F&& f) {
    for_packs(stroke, window, f, [](int, int) {});
}

}  // namespace neuralpaint
