// Ribbon: a bristle texture laid along a Bézier curve, rho/2 wide, its colour running across it: an oil stroke that
// bends. Along a straight line it is the rectangle that oil fills.
#pragma once

#include "common/bezier.h"
#include "common/coverage.h"

namespace neuralpaint {

template <typename T>
struct RibbonStroke {
    using Scalar = T;
    static constexpr int kKind = 5;
    static constexpr int kParameters = 14, kShape = 7, kSize = 6, kSizes = 1, kSums = 9;
    static constexpr int kPure = 2, kPures = 2, kPureLimit = 16;
    static constexpr bool kGradient = true, kRidge = true;
    static constexpr bool kTextured = true, kCurve = true, kGuided = true;
    static constexpr int kSamples = 16;
    Paint<T, kGradient, kRidge> paint;
    FootCurve<T> curve;
    TextureLevel level;
    T half, inv_w;  // half of the width; 1 / width
    T half_s, inv_s, reach;
    T ex, ey;              // added to B' so that the tangent exists everywhere, along the chord
    T wx0, wy0, wx1, wy1;  // the tangent at both ends, not normalised
    // The length of the way from the start, by Simpson's rule for |B'| at 0, 1/2 and 1, in shares of the whole: a cubic
    // in t with the slopes a0 and a1 at its ends.
    T inv_length, a0, a1;
    T px[kSamples + 1], py[kSamples + 1];
    T slack[kSamples + 1];    // how much nearer than the sample the curve can come, half an interval on either side
    T horizon[kSamples + 1];  // the square of how far from the sample a pixel can be that the stroke covers there

    static constexpr double kChordShare = 1e-6;

    NP_HD void setup(const T* p, const View<T>& view, const TextureAtlas& atlas) {
        curve.setup(p, view);
        paint.setup(p + kShape);
        half = p[6] * view.scale * T(0.25);
        inv_w = T(1) / vmax(half + half, T(1e-6));
        half_s = T(0.5) * view.softness;
        inv_s = T(1) / view.softness;
        const T side = vmax(half, T(0)) + half_s;
        reach = vsqrt(side * side + half_s * half_s);
        ex = T(kChordShare) * curve.cx + T(1e-9);
        ey = T(kChordShare) * curve.cy;
        wx0 = curve.d0x + ex;
        wy0 = curve.d0y + ey;
        wx1 = curve.d1x + ex;
        wy1 = curve.d1y + ey;
        const T s0 = size(curve.d0x, curve.d0y), middle = size(curve.cx, curve.cy), s1 = size(curve.d1x, curve.d1y);
        const T length = (s0 + T(4) * middle + s1) * T(1.0 / 6);
        inv_length = T(1) / vmax(length, T(1e-6));
        a0 = s0 * inv_length;
        a1 = s1 * inv_length;
        const bool large = length / view.scale * (T(2) * half / view.scale) > T(0.1);
        level = choose_level(atlas, large, length, half + half, view.softness);
        for (int k = 0; k <= kSamples; ++k) {
            const T t = T(k) / T(kSamples);
            curve.point(t, px[k], py[k]);
            slack[k] = curve.longest_move(t, T(0.5) / T(kSamples)) + T(0.01);
            horizon[k] = (reach + slack[k]) * (reach + slack[k]);
        }
    }
    NP_HD static T size(T x, T y) { return vsqrt(x * x + y * y); }
    NP_HD Bounds<T> bounds() const { return curve.bounds(reach); }
    NP_HD void rows_span(T top, T bottom, T& a, T& b) const { curve.rows_span(top, bottom, reach, a, b); }

    template <typename V>
    NP_HD V distance(V x, V y, int k) const {
        const V qx = x - V(px[k]), qy = y - V(py[k]);
        return vsqrt(qx * qx + qy * qy);
    }
    NP_HD T covered_below() const { return T(-1); }  // a texture has gaps: no sample alone says that a pixel is covered
    NP_HD T clear_above() const { return reach; }

    // t of the curve's point nearest to (x, y), by samples and Newton's method on q·B' = 0 (q = p - B). Returns false
    // if the stroke is far from all pixels.
    template <typename V>
    NP_HD bool nearest(V x, V y, const NearSamples& near, V& t) const {
        V best(T(1e30)), beyond(T(1));
        t = V(0);
        for (int k = near.first; k <= near.last; ++k) {
            const V qx = x - V(px[k]), qy = y - V(py[k]), square = qx * qx + qy * qy;
            t = select(square < best, V(T(k) / T(kSamples)), t);
            best = vmin(square, best);
            beyond = vmin(square - V(horizon[k]), beyond);
        }
        if (!any(beyond < V(0))) return false;
        const V step(T(1) / T(kSamples));
        t = curve.template polished<false>(curve.pixel(x, y), t, vmax(t - step, V(0)), vmin(t + step, V(1)), T(0),
                                           T(0.5) / T(kSamples));
        return true;
    }

    // A pixel in the stroke's frame.
    template <typename V>
    struct Place {
        V bx, by, qx, qy;  // B, and the way from it to the pixel
        V tx, ty, inv;     // the unit tangent, 1 / |tangent|
        V v, over;         // across the stroke, in pixels, and beyond its end (0 between the ends)
        V from_x, from_y, inv_from, to_x, to_y, inv_to;  // from P0 to B and from B to P2, 1 / lengths
        V entry, exit;                                   // the share of the pixel behind the start, before the end
        V along, across;  // of the pixel that lies between the ends, and between the sides
        V u, w;           // where the texture is read, along and across
    };

    template <typename V>
    NP_HD Place<V> place(V x, V y, V t) const {
        Place<V> p;
        const V s = V(1) - t, one(1), tiny(T(1e-6)), middle(T(0.5));
        curve.point(t, p.bx, p.by);
        p.qx = x - p.bx;
        p.qy = y - p.by;
        const V wx = s * V(wx0) + t * V(wx1), wy = s * V(wy0) + t * V(wy1);
        p.inv = one / vsqrt(vmax(wx * wx + wy * wy, V(T(1e-30))));
        p.tx = wx * p.inv;
        p.ty = wy * p.inv;
        p.v = p.qy * p.tx - p.qx * p.ty;
        p.over = select((t > V(0)) & (t < one), V(0), p.qx * p.tx + p.qy * p.ty);
        p.from_x = p.bx - V(curve.x0);
        p.from_y = p.by - V(curve.y0);
        p.to_x = V(curve.x2) - p.bx;
        p.to_y = V(curve.y2) - p.by;
        // Near an end, where alone they count, the ways along the chords are those along the curve.
        const V from = vsqrt(p.from_x * p.from_x + p.from_y * p.from_y);
        const V to = vsqrt(p.to_x * p.to_x + p.to_y * p.to_y);
        p.inv_from = one / vmax(from, tiny);
        p.inv_to = one / vmax(to, tiny);
        p.entry = (from + p.over) * V(inv_s) + middle;
        p.exit = (to - p.over) * V(inv_s) + middle;
        p.along = vmax(clamp(p.entry, T(0), T(1)) + clamp(p.exit, T(0), T(1)) - one, V(0));
        p.across = overlap(vabs(p.v), V(half), inv_s);
        p.u = t * (V(a0) + t * (V(T(3) - a0 - a0 - a1) + t * V(a0 + a1 - T(2))));
        p.w = p.v * V(inv_w) + middle;
        return p;
    }

    template <typename V>
    NP_HD PlacedSample<V> sample(V x, V y) const {
        return sample(x, y, NearSamples{0, kSamples, 0, false});
    }

    template <typename V>
    NP_HD PlacedSample<V> sample(V x, V y, const NearSamples& near) const {
        V t;
        if (!nearest(x, y, near, t)) return {{V(0), V(0), V(0)}, t};
        return sample_at(x, y, t);
    }

    template <typename V>
    NP_HD PlacedSample<V> sample(V x, V y, const NearSamples&, const Guess<T>& guess) const {
        const V low(guess.low), high(guess.high), start = guessed(guess, x, y);
        return sample_at(x, y, curve.template approached<false>(curve.pixel(x, y), start, low, high, T(0)));
    }

    // See FootCurve.
    template <typename V>
    NP_HD auto guess(V x, V y, V first, V last, V best, T radius, Guess<V>& g) const {
        return curve.template guess<false>(x, y, first, last, best, radius, T(1) / T(kSamples), T(0), g);
    }

    // Of a pixel whose nearest point lies at t.
    template <typename V>
    NP_HD PlacedSample<V> sample_at(V x, V y, V t) const {
        const Place<V> p = place(x, y, t);
        const TexturePoint<V> point = texture_point(level, p.u, p.w);
        PlacedSample<V> s;
        // A pixel out of reach is not covered, wherever the search for its nearest point has ended.
        const V cover = p.along * p.across * texture_value(point.coverage, point);
        s.coverage = select(p.qx * p.qx + p.qy * p.qy < V(reach * reach), cover, V(0));
        s.t = clamp(p.w, T(0), T(1));
        s.extra = texture_value(point.ridge, point);
        s.place = t;
        return s;
    }

    // Sums: derivatives by P0, P1, P2, by half the width, by a0 and a1.
    template <typename V>
    NP_HD void accumulate(V x, V y, const PlacedSample<V>& s, V g_coverage, V g_t, V g_ridge, V* sums) const {
        const V t = s.place, one(1), zero(0);
        const Place<V> p = place(x, y, t);
        const TexturePoint<V> point = texture_point(level, p.u, p.w);
        V cover_u, cover_w, ridge_u, ridge_w, by_v, by_half;
        const V g_box = g_coverage * texture_value_grad(point.coverage, point, cover_u, cover_w);
        texture_value_grad(point.ridge, point, ridge_u, ridge_w);
        const V g_cover = g_coverage * p.along * p.across;
        const V g_u = g_cover * cover_u + g_ridge * ridge_u;
        const V g_w = g_cover * cover_w + g_ridge * ridge_w + select((p.w > zero) & (p.w < one), g_t, zero);
        overlap_grad(vabs(p.v), V(half), inv_s, by_v, by_half);
        const V g_v = g_w * V(inv_w) + g_box * p.along * by_v * sign(p.v);
        const V g_end = select(p.along > zero, g_box * p.across * V(inv_s), zero);
        const V g_from = select((p.entry > zero) & (p.entry < one), g_end, zero);
        const V g_to = select((p.exit > zero) & (p.exit < one), g_end, zero);
        // By B, with t held fixed.
        const V from_x = g_from * p.from_x * p.inv_from, from_y = g_from * p.from_y * p.inv_from;
        const V to_x = g_to * p.to_x * p.inv_to, to_y = g_to * p.to_y * p.inv_to;
        V g_bx = from_x - to_x, g_by = from_y - to_y;
        // What is not stationary in t, through t: q·B' = 0 by the implicit function theorem. Beyond the ends t is
        // fixed.
        const auto between = (t > zero) & (t < one);
        V dx, dy;
        curve.velocity(t, dx, dy);
        const V rise = V(a0) + t * (V(T(2) * (T(3) - a0 - a0 - a1)) + t * V(T(3) * (a0 + a1 - T(2))));
        const V through = g_u * rise + g_bx * dx + g_by * dy;
        const V bend = dx * dx + dy * dy - V(2) * (p.qx * V(curve.ax) + p.qy * V(curve.ay));
        const auto bends = vabs(bend) > V(T(1e-9));
        const V lambda = select(between & bends, through / select(bends, bend, one), zero);
        // By the place across, and over an end: q x T and q·T. Between the ends q x T does not change with T.
        const V g_over = select(between, zero, g_from - g_to);
        const V g_tx = g_v * p.qy + g_over * p.qx, g_ty = g_over * p.qy - g_v * p.qx;
        const V radial = g_tx * p.tx + g_ty * p.ty;
        // A stroke of no length has no direction to turn.
        const V turns = select(between | (p.inv > V(T(1e6))), zero, p.inv);
        const V g_wx = (g_tx - p.tx * radial) * turns, g_wy = (g_ty - p.ty * radial) * turns;
        g_bx += g_v * p.ty - g_over * p.tx - lambda * dx;
        g_by -= g_v * p.tx + g_over * p.ty + lambda * dy;
        curve.accumulate(t, g_bx, g_by, g_wx + lambda * p.qx, g_wy + lambda * p.qy, sums);
        const V chord{T(kChordShare)};
        sums[0] -= chord * g_wx + from_x;
        sums[1] -= chord * g_wy + from_y;
        sums[4] += chord * g_wx + to_x;
        sums[5] += chord * g_wy + to_y;
        sums[6] += g_box * p.along * by_half - g_w * p.v * V(T(2) * inv_w * inv_w);
        const V rest = t * (one - t);
        sums[7] += g_u * rest * (one - t);
        sums[8] -= g_u * rest * t;
    }

    NP_HD void finish(const T* p, const View<T>& view, const T* sums, T* grad) const {
        // By |B'| at 0, 1/2 and 1, of which the whole length is made.
        const T g_length = -(sums[7] * a0 + sums[8] * a1) * inv_length * T(1.0 / 6);
        T by[6];
        for (int i = 0; i < 6; ++i) by[i] = sums[i];
        NP_NO_UNROLL  // takes fewer registers
            for (int i = 0; i < 3; ++i) {
            const T x = i == 0 ? curve.d0x : i == 1 ? curve.cx : curve.d1x;
            const T y = i == 0 ? curve.d0y : i == 1 ? curve.cy : curve.d1y;
            const T own = i == 1 ? T(4) * g_length : T(2) * (g_length + (i == 0 ? sums[7] : sums[8]) * inv_length);
            const T length = size(x, y), g = length > T(1e-6) ? own / length : T(0);
            // From P0 to P1, from P0 to P2, from P1 to P2.
            const T first = i < 2 ? -g : T(0), second = i == 0 ? g : i == 1 ? T(0) : -g, third = i > 0 ? g : T(0);
            by[0] += first * x;
            by[1] += first * y;
            by[2] += second * x;
            by[3] += second * y;
            by[4] += third * x;
            by[5] += third * y;
        }
        curve.finish(p, view, by, grad);
        grad[6] = T(0.25) * view.scale * sums[6];
    }
};
NP_BRUSH(RibbonStroke)

}  // namespace neuralpaint
