// Round: a bristle brush drawn along a straight line. A disc of radius rho/4, its edge soft, goes from (x0, y0) to
// (x2, y2); its bristles leave streaks along the way, whose paint wears off and whose ends are ragged.
#pragma once

#include "common/brush.h"
#include "common/coverage.h"

namespace neuralpaint {

template <typename T>
struct RoundStroke {
    using Scalar = T;
    static constexpr int kKind = 4;
    static constexpr int kParameters = 9, kShape = 5, kSize = 4, kSizes = 1, kSums = 5;
    static constexpr int kPure = 0, kPures = 0, kPureLimit = 0;
    static constexpr bool kGradient = false, kRidge = true, kTextured = false, kCurve = false;

    // A streak is a periodic function of the place v across the stroke, -1 to 1 within it. The bristles of one side
    // stand wider apart.
    static constexpr int kStreaks = 3;
    static constexpr double kEdge = 0.22;           // width of the soft edge, in radii
    static constexpr double kBend = 0.8;            // kBend way (1 - way) is added: streaks are no straight lines
    static constexpr double kSkew = 0.13;           // v + kSkew v^2 counts the bristles
    static constexpr double kFurthest = 1.25;       // v goes no further
    static constexpr double kMean = 128.0 / 315.0;  // of a streak's depth
    static constexpr double kWear = 0.15, kWearing = 0.95;   // of the paint: at the start, and added with way^2
    static constexpr double kRagged = 0.08, kFraying = 0.5;  // so many radii shorter, likewise
    // Streaks in one radius; where they begin, so that none is counted below 0; the share of the paint that their gaps
    // lack when it is worn; the height of their ridges.
    NP_HD static constexpr T rate(int k) { return T(k == 0 ? 3.3 : k == 1 ? 5.9 : 10.7); }
    NP_HD static constexpr T phase(int k) { return T(k == 0 ? 6.31 : k == 1 ? 9.77 : 17.23); }
    NP_HD static constexpr T depth(int k) { return T(k == 0 ? 0.42 : k == 1 ? 0.6 : 0.5); }
    NP_HD static constexpr T relief(int k) { return T(k == 0 ? 0.14 : k == 1 ? 0.2 : 0.21); }

    Paint<T, kGradient, kRidge> paint;
    T x0, y0, tx, ty, length, inv_turn;  // (tx, ty): the direction; inv_turn: 1 / length, 0 if it has none
    T r, inv_r, inv_way, inv_w, reach;   // inv_way: 1 / (length + 2 r); inv_w: 1 / width of the edge
    T seen[kStreaks], seen_r[kStreaks];  // how much of a streak is left at this size, and its derivative by r

    NP_HD void setup(const T* p, const View<T>& view, const TextureAtlas&) {
        paint.setup(p + kShape);
        x0 = (p[0] - view.ox) * view.scale;
        y0 = (p[1] - view.oy) * view.scale;
        const T cx = (p[2] - p[0]) * view.scale, cy = (p[3] - p[1]) * view.scale;
        length = vsqrt(cx * cx + cy * cy);
        inv_turn = length > T(0) ? T(1) / length : T(0);
        tx = length > T(0) ? cx * inv_turn : T(1);
        ty = length > T(0) ? cy * inv_turn : T(0);
        r = T(0.25) * p[4] * view.scale;
        inv_r = T(1) / vmax(r, T(1e-6));
        inv_way = T(1) / vmax(length + T(2) * r, T(1e-6));
        const T w = vmax(view.softness + T(kEdge) * r, T(1e-6));
        inv_w = T(1) / w;
        reach = r + T(0.5) * w;
        // A streak fades where it is finer than two pixels: 1 / (1 + (2 softness / period)^4).
        for (int k = 0; k < kStreaks; ++k) {
            const T ratio = T(2) * view.softness * rate(k) * inv_r, square = ratio * ratio;
            seen[k] = square < T(1e15) ? T(1) / (T(1) + square * square) : T(0);
            seen_r[k] = T(4) * seen[k] * (T(1) - seen[k]) * inv_r;
        }
    }
    NP_HD Bounds<T> bounds() const {
        const T x2 = x0 + length * tx, y2 = y0 + length * ty;
        return {vmin(x0, x2) - reach, vmin(y0, y2) - reach, vmax(x0, x2) + reach, vmax(y0, y2) + reach};
    }

    // The part of a row within `reach` of the line: of the discs around its ends, and of the rectangle between.
    NP_HD void row_span(T y, T& a, T& b) const {
        const T dy = y - y0, end = dy - length * ty, tiny(T(1e-12));
        a = T(1e30);
        b = T(-1e30);
        if (vabs(dy) <= reach) {
            const T half = vsqrt(reach * reach - dy * dy);
            a = x0 - half;
            b = x0 + half;
        }
        if (vabs(end) <= reach) {
            const T half = vsqrt(reach * reach - end * end), x2 = x0 + length * tx;
            a = vmin(a, x2 - half);
            b = vmax(b, x2 + half);
        }
        const T c = vabs(tx) < tiny ? tiny : tx, s = vabs(ty) < tiny ? tiny : ty;
        const T u0 = -dy * ty / c, u1 = (length - dy * ty) / c;
        const T v0 = (dy * tx - reach) / s, v1 = (dy * tx + reach) / s;
        const T from = vmax(vmin(u0, u1), vmin(v0, v1)), to = vmin(vmax(u0, u1), vmax(v0, v1));
        if (from <= to) {
            a = vmin(a, x0 + from);
            b = vmax(b, x0 + to);
        }
    }

    // Everything that a pixel's coverage is made of.
    template <typename V>
    struct Place {
        V along, across, over, distance;  // over: how far beyond an end; distance: to the line
        V v, way;                         // across and along the stroke, in [-1.25, 1.25] and [0, 1]
        V rise[kStreaks], gap[kStreaks];  // 4 g (1 - g) and g - 1/2 of the phase g of each streak
        V streak[kStreaks];               // its depth here less its mean
        V left[kStreaks], bristles;       // what each streak leaves of the paint, and all of them
        V rough, radius, edge;
    };

    template <typename V>
    NP_HD Place<V> place(V x, V y) const {
        Place<V> p;
        const V qx = x - V(x0), qy = y - V(y0);
        p.along = qx * V(tx) + qy * V(ty);
        p.across = qy * V(tx) - qx * V(ty);
        p.over = p.along - clamp(p.along, T(0), length);
        p.distance = vsqrt(p.over * p.over + p.across * p.across);
        p.v = clamp(p.across * V(inv_r), T(-kFurthest), T(kFurthest));
        p.way = clamp((p.along + V(r)) * V(inv_way), T(0), T(1));
        const V count = p.v + V(T(kSkew)) * p.v * p.v + V(T(kBend)) * p.way * (V(1) - p.way);
        const V wear = V(T(kWear)) + V(T(kWearing)) * p.way * p.way;
        p.bristles = V(1);
        for (int k = 0; k < kStreaks; ++k) {
            const V at = V(rate(k)) * count + V(phase(k));
            p.gap[k] = at - from_int<V>(truncate(at)) - V(T(0.5));
            p.rise[k] = V(1) - V(T(4)) * p.gap[k] * p.gap[k];
            const V square = p.rise[k] * p.rise[k];
            p.streak[k] = V(seen[k]) * (square * square - V(T(kMean)));
            p.left[k] = V(1) - V(depth(k)) * wear * (V(T(kMean)) + p.streak[k]);
            p.bristles = p.bristles * p.left[k];
        }
        p.rough = V(T(kMean)) + V(T(0.5)) * (p.streak[0] + p.streak[1]);
        p.radius = V(r) * (V(1) - (V(T(kRagged)) + V(T(kFraying)) * p.way) * p.rough);
        p.edge = overlap(p.distance, p.radius, inv_w);
        return p;
    }

    template <typename V>
    NP_HD Sample<V> sample(V x, V y) const {
        const Place<V> p = place(x, y);
        V ridge(T(0.5));
        for (int k = 0; k < kStreaks; ++k) ridge = ridge - V(relief(k)) * p.streak[k];
        return {p.edge * p.bristles, V(0), ridge};
    }

    // Sums: derivatives by the place along and across the stroke, by its direction, by its length, by r.
    template <typename V>
    NP_HD void accumulate(V x, V y, const Sample<V>&, V g_coverage, V, V g_ridge, V* sums) const {
        const Place<V> p = place(x, y);
        const V wear = V(T(kWear)) + V(T(kWearing)) * p.way * p.way;
        const V ragged = V(T(kRagged)) + V(T(kFraying)) * p.way;
        V by_d, by_r;
        overlap_grad(p.distance, p.radius, inv_w, by_d, by_r);
        const V g_edge = g_coverage * p.bristles;
        const V g_d = g_edge * by_d, g_radius = g_edge * by_r;
        // The edge's width grows with r, too.
        V g_r = g_radius * (V(1) - ragged * p.rough) - V(T(kEdge) * inv_w) * (g_radius * p.radius + g_d * p.distance);
        const V g_rough = -g_radius * V(r) * ragged;
        V g_way = -g_radius * V(r * T(kFraying)) * p.rough, g_count(0);
        for (int k = 0; k < kStreaks; ++k) {
            const V others = k == 0 ? p.left[1] * p.left[2] : k == 1 ? p.left[0] * p.left[2] : p.left[0] * p.left[1];
            const V g_left = g_coverage * p.edge * others * V(-depth(k));
            g_way += g_left * V(T(2 * kWearing)) * p.way * (V(T(kMean)) + p.streak[k]);
            V g_streak = g_left * wear - V(relief(k)) * g_ridge;
            if (k < 2) g_streak += V(T(0.5)) * g_rough;
            const V cube = p.rise[k] * p.rise[k] * p.rise[k];
            g_count += g_streak * V(seen[k] * T(-32) * rate(k)) * cube * p.gap[k];
            g_r += g_streak * V(seen_r[k]) * (cube * p.rise[k] - V(T(kMean)));
        }
        const V g_v = select(vabs(p.v) < V(T(kFurthest)), g_count * (V(1) + V(T(2 * kSkew)) * p.v), V(0)) * V(inv_r);
        g_way += g_count * V(T(kBend)) * (V(1) - p.way - p.way);
        g_way = select((p.way > V(0)) & (p.way < V(1)), g_way, V(0)) * V(inv_way);
        g_r += g_way * (V(1) - p.way - p.way) - g_v * p.v;
        const V pull = g_d / vmax(p.distance, V(T(1e-6)));
        const V g_along = g_way + pull * p.over, g_across = g_v + pull * p.across;
        sums[0] += g_along;
        sums[1] += g_across;
        sums[2] += g_along * p.across - g_across * p.along;
        sums[3] -= g_way * p.way + select(p.over > V(0), pull * p.over, V(0));
        sums[4] += g_r;
    }

    NP_HD void finish(const T*, const View<T>& view, const T* sums, T* grad) const {
        // By the second point alone, which turns and stretches the stroke about the first.
        const T g_length = inv_turn > T(0) ? sums[3] : T(0), g_turn = sums[2] * inv_turn;
        const T gx = g_length * tx - g_turn * ty, gy = g_length * ty + g_turn * tx;
        grad[0] = view.scale * (ty * sums[1] - tx * sums[0] - gx);
        grad[1] = view.scale * (-tx * sums[1] - ty * sums[0] - gy);
        grad[2] = view.scale * gx;
        grad[3] = view.scale * gy;
        grad[4] = T(0.25) * view.scale * sums[4];
    }
};
NP_BRUSH(RoundStroke)

}  // namespace neuralpaint
