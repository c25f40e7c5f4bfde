// The quadratic Bézier curve under watercolor, marker and ribbon strokes. Its middle control point lies in the box of
// the end points, so x(t) and y(t) are monotone and the curve turns by less than a right angle.
#pragma once

#include "common/brush.h"

namespace neuralpaint {

// The best of a few samples of t is polished by at most this many steps of Newton's method, which ends early when no t
// moves by more than this: the next step would move it by about the square.
template <typename T>
constexpr int kNewtonSteps = sizeof(T) == 8 ? 8 : 4;
template <typename T>
constexpr T kNewtonMove = sizeof(T) == 8 ? T(1e-8) : T(3e-4);

// The samples of the curve that matter to a block of pixels: t = k / samples for first <= k <= last; none of them if
// last < first. The best for the block's centre is `best`; `inside`: it alone covers the whole block.
struct NearSamples {
    int first, last, best;
    bool inside;
};

// Where the nearest points of a block's pixels are: at t = t0 + x by_x + y by_y, about, and surely between low and
// high.
template <typename V>
struct Guess {
    V t0, by_x, by_y, low, high;
};

template <typename T>
struct Bezier {
    T x0, y0, x1, y1, x2, y2;
    T cx, cy;    // P2 - P0
    T ax, ay;    // P0 - 2 P1 + P2: half of the second derivative
    T d0x, d0y;  // B'(0)
    T d1x, d1y;  // B'(1)

    NP_HD void setup(const T* p, const View<T>& view) {
        x0 = (p[0] - view.ox) * view.scale;
        y0 = (p[1] - view.oy) * view.scale;
        x2 = (p[4] - view.ox) * view.scale;
        y2 = (p[5] - view.oy) * view.scale;
        // Not x2 - x0: with a fused multiply-add that would leave a rounding error where the ends are the same.
        cx = (p[4] - p[0]) * view.scale;
        cy = (p[5] - p[1]) * view.scale;
        x1 = x0 + cx * p[2];
        y1 = y0 + cy * p[3];
        // Not from P1, whose rounding would give a direction to an end where B' vanishes (P1 = P0 or P1 = P2).
        d0x = T(2) * cx * p[2];
        d0y = T(2) * cy * p[3];
        d1x = T(2) * cx * (T(1) - p[2]);
        d1y = T(2) * cy * (T(1) - p[3]);
        ax = cx * (T(1) - p[2]) - T(0.5) * d0x;
        ay = cy * (T(1) - p[3]) - T(0.5) * d0y;
    }

    template <typename V>
    NP_HD void point(V t, V& bx, V& by) const {
        bx = V(x0) + t * (V(d0x) + t * V(ax));
        by = V(y0) + t * (V(d0y) + t * V(ay));
    }

    // Between the ends, whose signs agree. B'(0) + 2 A t would cancel at an end where B' vanishes, and leave it a
    // direction of rounding errors.
    template <typename V>
    NP_HD void velocity(V t, V& dx, V& dy) const {
        const V s = V(1) - t;
        dx = s * V(d0x) + t * V(d1x);
        dy = s * V(d0y) + t * V(d1y);
    }

    NP_HD Bounds<T> bounds(T reach) const {
        return {vmin(x0, x2) - reach, vmin(y0, y2) - reach, vmax(x0, x2) + reach, vmax(y0, y2) + reach};
    }

    // The t at which the monotone y(t) passes `y`, clamped to the curve.
    NP_HD T crossing(T y) const {
        const T flip = y2 >= y0 ? T(1) : T(-1);
        const T rise = flip * (y - y0), slope = T(2) * flip * (y1 - y0), bend = flip * ay;
        if (rise <= T(0)) return T(0);
        if (rise >= flip * (y2 - y0)) return T(1);
        const T root = vsqrt(vmax(slope * slope + T(4) * bend * rise, T(0)));
        const T below = slope + root;
        return below > T(0) ? clamp(T(2) * rise / below, T(0), T(1)) : T(1);
    }

    // The part of the rows [top, bottom] within `reach` pixels of the curve (a little more, never less).
    NP_HD void rows_span(T top, T bottom, T reach, T& a, T& b) const {
        const T low = vmin(y0, y2), high = vmax(y0, y2);
        if (bottom < low - reach || top > high + reach) {
            a = T(1);
            b = T(0);
            return;
        }
        T xa, ya, xb, yb;
        point(crossing(top - reach), xa, ya);
        point(crossing(bottom + reach), xb, yb);
        a = vmin(xa, xb) - reach;
        b = vmax(xa, xb) + reach;
    }

    // The longest way along the curve from t to t - step or t + step: |B'| is convex.
    NP_HD T longest_move(T t, T step) const {
        T dx, dy, speed(0);
        for (int side = -1; side <= 1; ++side) {
            velocity(clamp(t + T(side) * step, T(0), T(1)), dx, dy);
            speed = vmax(speed, dx * dx + dy * dy);
        }
        return vsqrt(speed) * step;
    }

    // Sums 0..5 hold the derivatives by P0, P1, P2; adds those that come through B(t) and through B'(t).
    template <typename V>
    NP_HD void accumulate(V t, V g_bx, V g_by, V g_dx, V g_dy, V* sums) const {
        const V s = V(1) - t, two(2);
        const V b0 = s * s, b1 = two * s * t, b2 = t * t;
        const V d0 = -two * s, d1 = two * (s - t), d2 = two * t;
        sums[0] += g_bx * b0 + g_dx * d0;
        sums[1] += g_by * b0 + g_dy * d0;
        sums[2] += g_bx * b1 + g_dx * d1;
        sums[3] += g_by * b1 + g_dy * d1;
        sums[4] += g_bx * b2 + g_dx * d2;
        sums[5] += g_by * b2 + g_dy * d2;
    }

    // From the control points to the stroke's numbers x0 y0 x1 y1 x2 y2 (x1, y1 are ratios).
    NP_HD void finish(const T* p, const View<T>& view, const T* sums, T* grad) const {
        grad[0] = view.scale * (sums[0] + (T(1) - p[2]) * sums[2]);
        grad[1] = view.scale * (sums[1] + (T(1) - p[3]) * sums[3]);
        grad[2] = cx * sums[2];
        grad[3] = cy * sums[3];
        grad[4] = view.scale * (sums[4] + p[2] * sums[2]);
        grad[5] = view.scale * (sums[5] + p[3] * sums[3]);
    }
};

}  // namespace neuralpaint
