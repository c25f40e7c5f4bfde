// Rotated rectangles: tape (flat colour, half-sides w/4 and h/4) and oil (a bristle texture over w x h).
#pragma once

#include "common/brush.h"
#include "common/coverage.h"

namespace neuralpaint {

// The frame of a stroke (xc yc w h θ): u runs along w, v along h, counter-clockwise as seen (y points down).
template <typename T>
struct RectangleFrame {
    T xc, yc, cos_t, sin_t, hu, hv, half_s, inv_s;

    NP_HD void setup(const T* p, const View<T>& view, T share) {
        const T angle = p[4] * T(3.14159265358979323846);
        cos_t = cos(angle);
        sin_t = sin(angle);
        xc = (p[0] - view.ox) * view.scale;
        yc = (p[1] - view.oy) * view.scale;
        hu = p[2] * view.scale * share;
        hv = p[3] * view.scale * share;
        half_s = T(0.5) * view.softness;
        inv_s = T(1) / view.softness;
    }

    NP_HD Bounds<T> bounds() const {
        const T a = hu + half_s, b = hv + half_s;
        const T ex = vabs(cos_t) * a + vabs(sin_t) * b, ey = vabs(sin_t) * a + vabs(cos_t) * b;
        return {xc - ex, yc - ey, xc + ex, yc + ey};
    }

    // The part of a row that can be covered, by clipping the row against both pairs of sides.
    NP_HD void row_span(T y, T& a, T& b) const {
        const T dy = y - yc, tiny = T(1e-12);
        const T c = vabs(cos_t) < tiny ? tiny : cos_t, s = vabs(sin_t) < tiny ? tiny : sin_t;
        const T u0 = (dy * sin_t - hu - half_s) / c, u1 = (dy * sin_t + hu + half_s) / c;
        const T v0 = (-dy * cos_t - hv - half_s) / s, v1 = (-dy * cos_t + hv + half_s) / s;
        a = xc + vmax(vmin(u0, u1), vmin(v0, v1));
        b = xc + vmin(vmax(u0, u1), vmax(v0, v1));
    }

    template <typename V>
    NP_HD void local(V x, V y, V& u, V& v) const {
        const V dx = x - V(xc), dy = y - V(yc);
        u = dx * V(cos_t) - dy * V(sin_t);
        v = dx * V(sin_t) + dy * V(cos_t);
    }

    template <typename V>
    NP_HD V box(V u, V v) const {
        return overlap(vabs(u), V(hu), inv_s) * overlap(vabs(v), V(hv), inv_s);
    }

    // Sums: derivatives by u, by v, by the angle, by hu, by hv. g is the derivative by the box's coverage; g_u .. g_hv
    // come in with what a texture adds.
    template <typename V>
    NP_HD void accumulate(V u, V v, V g, V g_u, V g_v, V g_hu, V g_hv, V* sums) const {
        const V ou = overlap(vabs(u), V(hu), inv_s), ov = overlap(vabs(v), V(hv), inv_s);
        V ou_d, ou_r, ov_d, ov_r;
        overlap_grad(vabs(u), V(hu), inv_s, ou_d, ou_r);
        overlap_grad(vabs(v), V(hv), inv_s, ov_d, ov_r);
        g_u += g * ov * ou_d * sign(u);
        g_v += g * ou * ov_d * sign(v);
        sums[0] += g_u;
        sums[1] += g_v;
        sums[2] += g_v * u - g_u * v;
        sums[3] += g_hu + g * ov * ou_r;
        sums[4] += g_hv + g * ou * ov_r;
    }

    NP_HD void finish(const View<T>& view, T share, const T* sums, T* grad) const {
        grad[0] = view.scale * (-cos_t * sums[0] - sin_t * sums[1]);
        grad[1] = view.scale * (sin_t * sums[0] - cos_t * sums[1]);
        grad[2] = view.scale * share * sums[3];
        grad[3] = view.scale * share * sums[4];
        grad[4] = T(3.14159265358979323846) * sums[2];
    }
};

template <typename T>
struct TapeStroke {
    using Scalar = T;
    static constexpr int kKind = 3;
    static constexpr int kParameters = 9, kShape = 5, kSize = 2, kSizes = 2, kSums = 5;
    static constexpr int kPure = 4, kPures = 1, kPureLimit = 1 << 16;
    static constexpr bool kGradient = false, kRidge = false, kTextured = false, kCurve = false;
    Paint<T, kGradient, kRidge> paint;
    RectangleFrame<T> frame;

    NP_HD void setup(const T* p, const View<T>& view, const TextureAtlas&) {
        frame.setup(p, view, T(0.25));
        paint.setup(p + kShape);
    }
    NP_HD Bounds<T> bounds() const { return frame.bounds(); }
    NP_HD void row_span(T y, T& a, T& b) const { frame.row_span(y, a, b); }

    template <typename V>
    NP_HD Sample<V> sample(V x, V y) const {
        V u, v;
        frame.local(x, y, u, v);
        return {frame.box(u, v), V(0), V(0)};
    }

    template <typename V>
    NP_HD void accumulate(V x, V y, const Sample<V>& s, V g_coverage, V, V, V* sums) const {
        if (!any(s.coverage < V(1))) return;  // well inside: the shape makes no difference
        V u, v;
        frame.local(x, y, u, v);
        frame.accumulate(u, v, g_coverage, V(0), V(0), V(0), V(0), sums);
    }

    NP_HD void finish(const T*, const View<T>& view, const T* sums, T* grad) const {
        frame.finish(view, T(0.25), sums, grad);
    }
};
NP_BRUSH(TapeStroke)

template <typename T>
struct OilStroke {
    using Scalar = T;
    static constexpr int kKind = 0;
    static constexpr int kParameters = 12, kShape = 5, kSize = 2, kSizes = 2, kSums = 5;
    static constexpr int kPure = 4, kPures = 1, kPureLimit = 1 << 16;
    static constexpr bool kGradient = true, kRidge = true, kTextured = true, kCurve = false;
    Paint<T, kGradient, kRidge> paint;
    RectangleFrame<T> frame;
    TextureLevel level;
    T inv_u, inv_v;  // 1 / (2 hu), 1 / (2 hv)
    bool upright;    // streaks run along h

    NP_HD void setup(const T* p, const View<T>& view, const TextureAtlas& atlas) {
        frame.setup(p, view, T(0.5));
        paint.setup(p + kShape);
        upright = p[3] > p[2];
        const T w = T(2) * frame.hu, h = T(2) * frame.hv;
        inv_u = T(1) / vmax(w, T(1e-6));
        inv_v = T(1) / vmax(h, T(1e-6));
        level = choose_level(atlas, p[2] * p[3] > T(0.1), upright ? h : w, upright ? w : h, view.softness);
    }
    NP_HD Bounds<T> bounds() const { return frame.bounds(); }
    NP_HD void row_span(T y, T& a, T& b) const { frame.row_span(y, a, b); }

    template <typename V>
    NP_HD Sample<V> sample(V x, V y) const {
        V u, v;
        frame.local(x, y, u, v);
        const V su = u * V(inv_u) + V(T(0.5)), sv = v * V(inv_v) + V(T(0.5));
        const TexturePoint<V> point = texture_point(level, upright ? sv : su, upright ? su : sv);
        Sample<V> s;
        s.coverage = frame.box(u, v) * texture_value(point.coverage, point);
        s.t = clamp(sv, T(0), T(1));
        s.extra = texture_value(point.ridge, point);
        return s;
    }

    template <typename V>
    NP_HD void accumulate(V x, V y, const Sample<V>&, V g_coverage, V g_t, V g_ridge, V* sums) const {
        V u, v;
        frame.local(x, y, u, v);
        const V su = u * V(inv_u) + V(T(0.5)), sv = v * V(inv_v) + V(T(0.5));
        const TexturePoint<V> point = texture_point(level, upright ? sv : su, upright ? su : sv);
        V cover_along, cover_across, ridge_along, ridge_across;
        const V cover = texture_value_grad(point.coverage, point, cover_along, cover_across);
        texture_value_grad(point.ridge, point, ridge_along, ridge_across);
        const V g_cover = g_coverage * frame.box(u, v);
        const V g_along = g_cover * cover_along + g_ridge * ridge_along;
        const V g_across = g_cover * cover_across + g_ridge * ridge_across;
        const V g_su = upright ? g_across : g_along;
        V g_sv = upright ? g_along : g_across;
        g_sv += select((sv > V(0)) & (sv < V(1)), g_t, V(0));
        frame.accumulate(u, v, g_coverage * cover, g_su * V(inv_u), g_sv * V(inv_v),
                         g_su * u * V(T(-2) * inv_u * inv_u), g_sv * v * V(T(-2) * inv_v * inv_v), sums);
    }

    NP_HD void finish(const T*, const View<T>& view, const T* sums, T* grad) const {
        frame.finish(view, T(0.5), sums, grad);
    }
};
NP_BRUSH(OilStroke)

}  // namespace neuralpaint
