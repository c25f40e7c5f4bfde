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

// A curve whose nearest points are found by Newton's method: where q·B' + slope |q| = 0, for q = p - B(t) and a radius
// that changes by `slope` from t = 0 to 1. kTapered: the slope is not 0.
template <typename T>
struct FootCurve : Bezier<T> {
    using Bezier<T>::x0, Bezier<T>::y0, Bezier<T>::ax, Bezier<T>::ay, Bezier<T>::d0x, Bezier<T>::d0y;
    using Bezier<T>::d1x, Bezier<T>::d1y;
    // Newton's method takes at most so many steps (pixels that the curve itself passes through take the most), and ends
    // when the next one would move no t by more than this.
    static constexpr int kSteps = 8;
    static constexpr T kLeastMove = sizeof(T) == 8 ? T(1e-13) : T(4e-6);
    T c1, c2, c3;    // q·B' = q0·d0 + t (2 q0·A + c1) + t² c2 + t³ c3, with q0 = p - P0
    T twist, flare;  // twist + flare |slope| / |q|: about the most that half of the second derivative can be

    NP_HD void setup(const T* p, const View<T>& view) {
        Bezier<T>::setup(p, view);
        c1 = -(d0x * d0x + d0y * d0y);
        c2 = T(-3) * (ax * d0x + ay * d0y);
        c3 = T(-2) * (ax * ax + ay * ay);
        twist = vmax(vabs(c2), vabs(c2 + T(3) * c3));
        flare = T(0.5) * vmax(d0x * d0x + d0y * d0y, d1x * d1x + d1y * d1y);
    }

    // The terms that are the same for all t of a pixel.
    template <typename V>
    struct Pixel {
        V x, y, f0, f1;  // the way from P0; q·B' = f0 + t (f1 + t (c2 + t c3))
    };

    template <typename V>
    NP_HD Pixel<V> pixel(V x, V y) const {
        const V q0x = x - V(x0), q0y = y - V(y0);
        return {q0x, q0y, q0x * V(d0x) + q0y * V(d0y), V(2) * (q0x * V(ax) + q0y * V(ay)) + V(c1)};
    }

    // q at t.
    template <typename V>
    NP_HD void way(const Pixel<V>& p, V t, V& qx, V& qy) const {
        qx = p.x - t * (V(d0x) + t * V(ax));
        qy = p.y - t * (V(d0y) + t * V(ay));
    }
    template <typename V>
    NP_HD V length(const Pixel<V>& p, V t) const {
        V qx, qy;
        way(p, t, qx, qy);
        return vsqrt(qx * qx + qy * qy + V(T(1e-12)));
    }

    // A step of Newton's method from t, or `walk` uphill where there is no maximum. Returns where the next step would
    // still move t by more than kLeastMove: by about the square of this one times F'' / (2 F'), which is large near the
    // curve and its evolute.
    template <bool kTapered, typename V>
    NP_HD auto newton(const Pixel<V>& p, V& t, V low, V high, T slope, T walk) const {
        const V along = p.f0 + t * (p.f1 + t * (V(c2) + t * V(c3)));
        const V fall = p.f1 + t * (V(T(2) * c2) + t * V(T(3) * c3));
        V rise = along, bend = -fall, tiny(T(1e-9)), most(twist), scale(1);
        if constexpr (kTapered) {  // all times |q|
            scale = length(p, t);
            rise = along + V(slope) * scale;
            bend = V(slope) * along - scale * fall;
            tiny = tiny * scale;
            most = most * scale + V(flare * vabs(slope));
        }
        const V step = select(bend > tiny, rise * scale / vmax(bend, tiny), V(walk) * sign(rise));
        const V next = vmin(vmax(t + step, low), high), move = next - t;
        t = next;
        return move * move * most > V(kLeastMove) * vmax(bend, tiny);
    }

    // The same where there is a single maximum between low and high.
    template <bool kTapered, typename V>
    NP_HD auto approach(const Pixel<V>& p, V& t, V low, V high, T slope) const {
        const V along = p.f0 + t * (p.f1 + t * (V(c2) + t * V(c3)));
        const V fall = p.f1 + t * (V(T(2) * c2) + t * V(T(3) * c3));
        V rise = along, bend = -fall, most(twist);
        if constexpr (kTapered) {  // all times |q|, but for the rise
            const V scale = length(p, t);
            bend = V(slope) * along - scale * fall;
            most = most * scale + V(flare * vabs(slope));
            rise = (along + V(slope) * scale) * scale;
        }
        const V next = vmin(vmax(t + rise / bend, low), high), move = next - t;
        t = next;
        return move * move * most > V(kLeastMove) * bend;
    }

    // Steps from a guess for the block.
    template <bool kTapered, typename V>
    NP_HD V approached(const Pixel<V>& p, V t, V low, V high, T slope) const {
        for (int i = 0; i < kSteps; ++i) {
            if (!any(approach<kTapered>(p, t, low, high, slope))) break;
        }
        return t;
    }

    // Steps until no t moves any more.
    template <bool kTapered, typename V>
    NP_HD V polished(const Pixel<V>& p, V t, V low, V high, T slope, T walk) const {
        for (int i = 0; i < kSteps; ++i) {
            if (!any(newton<kTapered>(p, t, low, high, slope, walk))) break;
        }
        return t;
    }

    // The guesses for blocks, a block a lane: their centres, the samples that matter to them, `step` apart, and the
    // best one. Sets t of the centre and its derivatives by x and y; true where all pixels within `radius` have one
    // candidate between low and high. There what is 0 at it falls all the way, which it does if B'² - q·B'', a parabola
    // in t, is more than |slope| |B'|.
    template <bool kTapered, typename V>
    NP_HD auto guess(V x, V y, V first, V last, V best, T radius, T step, T slope, Guess<V>& g) const {
        g.low = vmax((first - V(1)) * V(step), V(0));
        g.high = vmin((last + V(1)) * V(step), V(1));
        const Pixel<V> p = pixel(x, y);
        V t = best * V(step);
        for (int i = 0; i < 3; ++i) newton<kTapered>(p, t, g.low, g.high, slope, T(0.5) * step);
        const auto parabola = [&](V u) { return -(p.f1 + u * (V(T(2) * c2) + u * V(T(3) * c3))); };
        V dx, dy, qx, qy;
        this->velocity(t, dx, dy);
        way(p, t, qx, qy);
        const V inv_d = V(1) / length(p, t);
        const V bend = parabola(t) + V(slope) * (qx * dx + qy * dy) * inv_d;
        const auto between = (t > g.low) & (t < g.high) & (bend > V(T(1e-9)));
        const V inv_bend = select(between, V(1), V(0)) / select(between, bend, V(1));
        g.by_x = (dx + V(slope) * qx * inv_d) * inv_bend;
        g.by_y = (dy + V(slope) * qy * inv_d) * inv_bend;
        g.t0 = t - x * g.by_x - y * g.by_y;
        // By parts, from each of whose chords a convex parabola parts by no more than this.
        constexpr int kParts = 4;
        const V part = (g.high - g.low) * V(T(1) / T(kParts)), below = part * part * V(T(-0.75) * c3);
        const T spread = T(2) * radius * vsqrt(ax * ax + ay * ay);
        V room(T(1e30)), before, fast;
        for (int k = 0; k <= kParts; ++k) {
            const V u = g.low + V(T(k)) * part, height = parabola(u);
            this->velocity(u, dx, dy);
            const V speed2 = dx * dx + dy * dy;
            if (k > 0) {
                const V fastest = vmax(fast, speed2);
                const V need = V(T(0.03)) * fastest + V(vabs(slope)) * vsqrt(fastest) + V(spread);
                room = vmin(room, vmin(before, height) - below - need);
            }
            before = height;
            fast = speed2;
        }
        return room > V(0);
    }
};

// t of a pixel by the guess for its block.
template <typename T, typename V>
NP_HD V guessed(const Guess<T>& g, V x, V y) {
    return vmin(vmax(V(g.t0) + x * V(g.by_x) + y * V(g.by_y), V(g.low)), V(g.high));
}

}  // namespace neuralpaint
