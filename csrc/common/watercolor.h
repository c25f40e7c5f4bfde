// Watercolor: a Bézier curve swept by a disc whose radius runs from rho0/4 to rho2/4, its colour from c0 to c2.
#pragma once

#include "common/bezier.h"
#include "common/coverage.h"

namespace neuralpaint {

template <typename T>
struct WatercolorStroke {
    using Scalar = T;
    static constexpr int kParameters = 15, kShape = 8, kSums = 8;
    static constexpr bool kGradient = true, kRidge = false;
    static constexpr int kSamples = 8;
    Paint<T, kGradient, kRidge> paint;
    Bezier<T> curve;
    T r0, dr, half_s, inv_s, reach;
    T px[kSamples + 1], py[kSamples + 1], pr[kSamples + 1];
    T slack;  // how much the signed distance can change between two coarse samples

    NP_HD void setup(const T* p, const View<T>& view, const TextureAtlas&) {
        curve.setup(p, view);
        paint.setup(p + kShape);
        r0 = p[6] * view.scale * T(0.25);
        dr = p[7] * view.scale * T(0.25) - r0;
        half_s = T(0.5) * view.softness;
        inv_s = T(1) / view.softness;
        reach = vmax(r0, r0 + dr) + half_s;
        for (int k = 0; k <= kSamples; ++k) {
            const T t = T(k) / T(kSamples);
            curve.point(t, px[k], py[k]);
            pr[k] = r0 + t * dr;
        }
        const T lx = vmax(vabs(curve.x1 - curve.x0), vabs(curve.x2 - curve.x1));
        const T ly = vmax(vabs(curve.y1 - curve.y0), vabs(curve.y2 - curve.y1));
        slack = (T(2) * vsqrt(lx * lx + ly * ly) + vabs(dr)) * (T(0.5) / T(kSamples)) + T(0.01);
    }
    NP_HD Bounds<T> bounds() const { return curve.bounds(reach); }
    NP_HD void row_span(T y, T& a, T& b) const { curve.row_span(y, reach, a, b); }

    // t* maximises r(t) - |p - B(t)|: the best coarse sample, polished by Newton's method on the
    // stationarity q·D + r'·|q| = 0 (q = p - B, D = B').
    template <typename V>
    NP_HD Sample<V> sample(V x, V y) const {
        V best(T(1e30)), t(0);
        for (int k = 0; k <= kSamples; ++k) {
            const V qx = x - V(px[k]), qy = y - V(py[k]);
            const V f = vsqrt(qx * qx + qy * qy) - V(pr[k]);
            t = select(f < best, V(T(k) / T(kSamples)), t);
            best = vmin(f, best);
        }
        if (!any(best < V(half_s + slack))) return {V(0), t, V(0)};
        const V step_limit(T(1) / T(kSamples));
        const V low = vmax(t - step_limit, V(0)), high = vmin(t + step_limit, V(1));
        for (int i = 0; i < kNewtonSteps<T>; ++i) {
            V bx, by, dx, dy;
            curve.point(t, bx, by);
            curve.velocity(t, dx, dy);
            const V qx = x - bx, qy = y - by;
            const V d = vsqrt(qx * qx + qy * qy + V(T(1e-12))), along = qx * dx + qy * dy;
            const V slope = along + V(dr) * d;
            const V bend = dx * dx + dy * dy + V(dr) * along / d - V(2) * (qx * V(curve.ax) + qy * V(curve.ay));
            const V newton = slope / vmax(bend, V(T(1e-9)));
            const V walk = V(T(0.5)) * step_limit * sign(slope);
            t = vmin(vmax(t + select(bend > V(T(1e-9)), newton, walk), low), high);
        }
        V bx, by;
        curve.point(t, bx, by);
        const V qx = x - bx, qy = y - by, r = V(r0) + t * V(dr);
        return {overlap(vsqrt(qx * qx + qy * qy), r, inv_s), t, V(0)};
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

}  // namespace neuralpaint
