// Watercolor: a Bézier curve swept by a disc whose radius runs from rho0/4 to rho2/4, its colour from c0 to c2.
#pragma once

#include "common/bezier.h"
#include "common/coverage.h"

namespace neuralpaint {

template <typename T>
struct WatercolorStroke {
    using Scalar = T;
    static constexpr int kKind = 1;
    static constexpr int kParameters = 15, kShape = 8, kSize = 6, kSizes = 2, kSums = 8;
    static constexpr int kPure = 2, kPures = 2, kPureLimit = 16;
    static constexpr bool kGradient = true, kRidge = false;
    static constexpr bool kTextured = false, kCurve = true, kGuided = true;
    static constexpr int kSamples = 16;
    // Newton's method takes at most so many steps (pixels that the curve itself passes through take the most), and ends
    // when the next one would move no t by more than this.
    static constexpr int kSteps = 8;
    static constexpr T kLeastMove = sizeof(T) == 8 ? T(1e-13) : T(4e-6);
    Paint<T, kGradient, kRidge> paint;
    Bezier<T> curve;
    T r0, dr, half_s, inv_s, reach;
    T c1, c2, c3;    // q·B' = q0·d0 + t (2 q0·A + c1) + t² c2 + t³ c3, with q0 = p - P0
    T twist, flare;  // twist + flare / |q|: about the most that half of the stationarity's second derivative can be
    T px[kSamples + 1], py[kSamples + 1], pr[kSamples + 1];
    T slack[kSamples + 1];  // how much nearer than the sample the curve can come, half an interval on either side

    NP_HD void setup(const T* p, const View<T>& view, const TextureAtlas&) {
        curve.setup(p, view);
        paint.setup(p + kShape);
        r0 = p[6] * view.scale * T(0.25);
        dr = p[7] * view.scale * T(0.25) - r0;
        half_s = T(0.5) * view.softness;
        inv_s = T(1) / view.softness;
        reach = vmax(r0, r0 + dr) + half_s;
        const T ax = curve.ax, ay = curve.ay, dx = curve.d0x, dy = curve.d0y;
        c1 = -(dx * dx + dy * dy);
        c2 = T(-3) * (ax * dx + ay * dy);
        c3 = T(-2) * (ax * ax + ay * ay);
        twist = vmax(vabs(c2), vabs(c2 + T(3) * c3));
        flare = T(0.5) * vabs(dr) * vmax(dx * dx + dy * dy, curve.d1x * curve.d1x + curve.d1y * curve.d1y);
        const T half = T(0.5) / T(kSamples);
        for (int k = 0; k <= kSamples; ++k) {
            const T t = T(k) / T(kSamples);
            curve.point(t, px[k], py[k]);
            pr[k] = r0 + t * dr;
            slack[k] = curve.longest_move(t, half) + vabs(dr) * half + T(0.01);
        }
    }
    NP_HD Bounds<T> bounds() const { return curve.bounds(reach); }
    NP_HD void rows_span(T top, T bottom, T& a, T& b) const { curve.rows_span(top, bottom, reach, a, b); }

    // Signed distance of (x, y) to the disc at sample k.
    template <typename V>
    NP_HD V distance(V x, V y, int k) const {
        const V qx = x - V(px[k]), qy = y - V(py[k]);
        return vsqrt(qx * qx + qy * qy) - V(pr[k]);
    }
    NP_HD T covered_below() const { return -half_s; }
    NP_HD T clear_above() const { return half_s; }

    template <typename V>
    NP_HD Sample<V> sample(V x, V y) const {
        return sample(x, y, NearSamples{0, kSamples, 0, false});
    }

    // t* maximises r(t) - |p - B(t)|: the best sample, polished by Newton's method on the stationarity
    // q·D + r'·|q| = 0 (q = p - B, D = B').
    template <typename V>
    NP_HD Sample<V> sample(V x, V y, const NearSamples& near) const {
        V best(T(1e30)), nearest(T(1e30)), t(0);
        for (int k = near.first; k <= near.last; ++k) {
            const V f = distance(x, y, k);
            t = select(f < best, V(T(k) / T(kSamples)), t);
            best = vmin(f, best);
            nearest = vmin(f - V(slack[k]), nearest);
        }
        if (!any(nearest < V(half_s))) return {V(0), t, V(0)};
        const V step(T(1) / T(kSamples));
        return polished(x, y, t, vmax(t - step, V(0)), vmin(t + step, V(1)), near.inside);
    }

    template <typename V>
    NP_HD Sample<V> sample(V x, V y, const NearSamples& near, const Guess<T>& guess) const {
        const V t = V(guess.t0) + x * V(guess.by_x) + y * V(guess.by_y), low(guess.low), high(guess.high);
        return polished(x, y, vmin(vmax(t, low), high), low, high, near.inside);
    }

    // The stationarity's terms that are the same for all t of a pixel.
    template <typename V>
    struct Pixel {
        V x, y, f0, f1;  // the way from P0; q·B' = f0 + t (f1 + t (c2 + t c3))
    };

    template <typename V>
    NP_HD Pixel<V> pixel(V x, V y) const {
        const V q0x = x - V(curve.x0), q0y = y - V(curve.y0);
        return {q0x, q0y, q0x * V(curve.d0x) + q0y * V(curve.d0y),
                V(2) * (q0x * V(curve.ax) + q0y * V(curve.ay)) + V(c1)};
    }

    // |q| at t.
    template <typename V>
    NP_HD V length(const Pixel<V>& p, V t) const {
        const V qx = p.x - t * (V(curve.d0x) + t * V(curve.ax)), qy = p.y - t * (V(curve.d0y) + t * V(curve.ay));
        return vsqrt(qx * qx + qy * qy + V(T(1e-12)));
    }

    // A step of Newton's method from t: F / -F', both times |q|. Returns where the next step would still move t by more
    // than kLeastMove: by about the square of this one times F'' / (2 F'), which is large near the curve and its
    // evolute.
    template <typename V>
    NP_HD auto newton(const Pixel<V>& p, V& t, V low, V high) const {
        const V d = length(p, t), tiny = V(T(1e-9)) * d;
        const V along = p.f0 + t * (p.f1 + t * (V(c2) + t * V(c3))), slope = along + V(dr) * d;
        const V bend = V(dr) * along - d * (p.f1 + t * (V(T(2) * c2) + t * V(T(3) * c3)));
        const V walk = V(T(0.5) / T(kSamples)) * sign(slope);
        const V next = vmin(vmax(t + select(bend > tiny, slope * d / vmax(bend, tiny), walk), low), high);
        const V move = next - t;
        t = next;
        return move * move * (V(twist) * d + V(flare)) > V(kLeastMove) * vmax(bend, tiny);
    }

    template <typename V>
    NP_HD Sample<V> polished(V x, V y, V t, V low, V high, bool inside) const {
        const Pixel<V> p = pixel(x, y);
        for (int i = 0; i < kSteps; ++i) {
            if (!any(newton(p, t, low, high))) break;
        }
        if (inside) return {V(1), t, V(0)};
        const V qx = p.x - t * (V(curve.d0x) + t * V(curve.ax)), qy = p.y - t * (V(curve.d0y) + t * V(curve.ay));
        return {overlap(vsqrt(qx * qx + qy * qy), V(r0) + t * V(dr), inv_s), t, V(0)};
    }

    // The guesses for blocks, a block a lane: their centres, the samples that matter to them and the best one. Sets t
    // of the centre and its derivatives by x and y; true where all pixels within `radius` have one candidate between
    // low and high. There their slope q·B' + r'·|q| falls all the way, which it does if B'² - q·B'', a parabola in t,
    // is more than |r'| |B'|.
    template <typename V>
    NP_HD auto guess(V x, V y, V first, V last, V best, T radius, Guess<V>& g) const {
        const T step = T(1) / T(kSamples);
        g.low = vmax((first - V(1)) * V(step), V(0));
        g.high = vmin((last + V(1)) * V(step), V(1));
        const Pixel<V> p = pixel(x, y);
        V t = best * V(step);
        for (int i = 0; i < 3; ++i) newton(p, t, g.low, g.high);
        V dx, dy, dx1, dy1;
        curve.velocity(g.low, dx, dy);
        curve.velocity(g.high, dx1, dy1);
        const V speed2 = vmax(dx * dx + dy * dy, dx1 * dx1 + dy1 * dy1);
        const auto parabola = [&](V u) { return -(p.f1 + u * (V(T(2) * c2) + u * V(T(3) * c3))); };
        const V lowest = vmin(vmax(V(c2 / vmax(T(-3) * c3, T(1e-20))), g.low), g.high);
        const T spread = T(2) * radius * vsqrt(curve.ax * curve.ax + curve.ay * curve.ay);
        const V need = V(T(0.1)) * speed2 + V(vabs(dr)) * vsqrt(speed2) + V(spread);
        curve.velocity(t, dx, dy);
        const V qx = p.x - t * (V(curve.d0x) + t * V(curve.ax)), qy = p.y - t * (V(curve.d0y) + t * V(curve.ay));
        const V inv_d = V(1) / length(p, t);
        const V bend = parabola(t) + V(dr) * (qx * dx + qy * dy) * inv_d;
        const auto between = (t > g.low) & (t < g.high) & (bend > V(T(1e-9)));
        const V inv_bend = select(between, V(1), V(0)) / select(between, bend, V(1));
        g.by_x = (dx + V(dr) * qx * inv_d) * inv_bend;
        g.by_y = (dy + V(dr) * qy * inv_d) * inv_bend;
        g.t0 = t - x * g.by_x - y * g.by_y;
        return parabola(lowest) > need;
    }

    template <typename V>
    NP_HD void accumulate(V x, V y, const Sample<V>& s, V g_coverage, V g_t, V, V* sums) const {
        const V t = s.t;
        V bx, by, dx, dy, by_d, by_r;
        curve.point(t, bx, by);
        curve.velocity(t, dx, dy);
        const V qx = x - bx, qy = y - by, r = V(r0) + t * V(dr);
        const V d = vsqrt(qx * qx + qy * qy), inv_d = V(1) / vmax(d, V(T(1e-6)));
        const V nx = qx * inv_d, ny = qy * inv_d;
        overlap_grad(d, r, inv_s, by_d, by_r);
        // With t* held fixed (envelope theorem) ...
        const V g_d = g_coverage * by_d;
        V g_r = g_coverage * by_r;
        V g_bx = -g_d * nx, g_by = -g_d * ny;
        // ... and through t*, by the implicit function theorem, for what is not stationary in t: the colour, and the
        // coverage of strokes thinner than a pixel.
        const V along = nx * dx + ny * dy;
        const V through = g_t + g_r * V(dr) - g_d * along;
        const V bend = (dx * dx + dy * dy - along * along) * inv_d - V(2) * (nx * V(curve.ax) + ny * V(curve.ay));
        const V inside = select((t > V(0)) & (t < V(1)) & (vabs(bend) > V(T(1e-9))), V(1), V(0));
        const V lambda = -through * inside / select(vabs(bend) > V(T(1e-9)), bend, V(1));
        g_bx += lambda * (dx - nx * along) * inv_d;
        g_by += lambda * (dy - ny * along) * inv_d;
        curve.accumulate(t, g_bx, g_by, -lambda * nx, -lambda * ny, sums);
        sums[6] += g_r * (V(1) - t) + lambda;
        sums[7] += g_r * t - lambda;
    }

    NP_HD void finish(const T* p, const View<T>& view, const T* sums, T* grad) const {
        curve.finish(p, view, sums, grad);
        grad[6] = T(0.25) * view.scale * sums[6];
        grad[7] = T(0.25) * view.scale * sums[7];
    }
};
NP_BRUSH(WatercolorStroke)

}  // namespace neuralpaint
