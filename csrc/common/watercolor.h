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
    Paint<T, kGradient, kRidge> paint;
    FootCurve<T> curve;
    T r0, dr, half_s, inv_s, reach;
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
        const V low = vmax(t - step, V(0)), high = vmin(t + step, V(1));
        const auto p = curve.pixel(x, y);
        return sample_at(p, curve.template polished<true>(p, t, low, high, dr, T(0.5) / T(kSamples)), near.inside);
    }

    template <typename V>
    NP_HD Sample<V> sample(V x, V y, const NearSamples& near, const Guess<T>& guess) const {
        const auto p = curve.pixel(x, y);
        const V low(guess.low), high(guess.high), start = guessed(guess, x, y);
        return sample_at(p, curve.template approached<true>(p, start, low, high, dr), near.inside);
    }

    // Of a pixel whose nearest point lies at t.
    template <typename V>
    NP_HD Sample<V> sample_at(const typename FootCurve<T>::template Pixel<V>& p, V t, bool inside) const {
        if (inside) return {V(1), t, V(0)};
        V qx, qy;
        curve.way(p, t, qx, qy);
        return {overlap(vsqrt(qx * qx + qy * qy), V(r0) + t * V(dr), inv_s), t, V(0)};
    }

    // See FootCurve.
    template <typename V>
    NP_HD auto guess(V x, V y, V first, V last, V best, T radius, Guess<V>& g) const {
        return curve.template guess<true>(x, y, first, last, best, radius, T(1) / T(kSamples), dr, g);
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
