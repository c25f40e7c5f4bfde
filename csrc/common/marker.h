// Marker: a Bézier curve swept by a square of half-side rho0/4 that turns with the tangent; flat colour.
#pragma once

#include "common/bezier.h"
#include "common/coverage.h"

namespace neuralpaint {

template <typename T>
struct MarkerStroke {
    using Scalar = T;
    static constexpr int kKind = 2;
    static constexpr int kParameters = 12, kShape = 8, kSize = 6, kSizes = 2, kSums = 8;
    static constexpr int kPure = 2, kPures = 2, kPureLimit = 16;
    static constexpr bool kGradient = false, kRidge = false;
    static constexpr bool kTextured = false, kCurve = true, kGuided = true;
    // A wide square on a tight bend has several minima: sample finely enough to rank them.
    static constexpr int kSamples = 16;
    Paint<T, kGradient, kRidge> paint;
    Bezier<T> curve;
    T r, half_s, inv_s, reach;
    T ex, ey;              // added to B' so that the tangent exists everywhere, along the chord
    T wx0, wy0, wx1, wy1;  // the tangent W at both ends
    T ux, uy;              // W', the same all along the curve
    T bend;                // W x W', too
    bool tight;            // somewhere the radius of curvature may be less than the square's half-side
    T gain;                // how much nearer than the curve the square's corners can come outside of a bend
    T along1, along2, along3, across1, across2;  // see Pixel
    T px[kSamples + 1], py[kSamples + 1], tx[kSamples + 1], ty[kSamples + 1];
    // How much nearer than the sample the square can come, half an interval on either side: in all, and across the
    // curve alone, where only its turning counts.
    T slack[kSamples + 1], turning[kSamples + 1];

    static constexpr double kChordShare = 1e-6;
    // Steps of Newton's method from a block's guess, at most. They end when none moves t by more than this: the next
    // would by about the square, of which M changes by the square again.
    static constexpr int kSteps = 8;
    static constexpr T kFootMove = sizeof(T) == 8 ? T(1e-6) : T(1e-2);
    static constexpr T kKinkMove = sizeof(T) == 8 ? T(1e-6) : T(3e-3);
    // `extra` of a sample whose nearest point is a kink; elsewhere it is the weight of |a| in the derivative of M.
    static constexpr double kKink = 2;

    NP_HD void setup(const T* p, const View<T>& view, const TextureAtlas&) {
        curve.setup(p, view);
        paint.setup(p + kShape);
        r = p[6] * view.scale * T(0.25);
        half_s = T(0.5) * view.softness;
        inv_s = T(1) / view.softness;
        reach = (r + half_s) * T(1.41421357);
        ex = T(kChordShare) * curve.cx + T(1e-9);
        ey = T(kChordShare) * curve.cy;
        wx0 = curve.d0x + ex;
        wy0 = curve.d0y + ey;
        wx1 = curve.d1x + ex;
        wy1 = curve.d1y + ey;
        bend = T(2) * (wx0 * curve.ay - wy0 * curve.ax);
        // The radius of curvature is |W|^3 / |bend|, and the least |W| is that of a point on a segment.
        ux = wx1 - wx0;
        uy = wy1 - wy0;
        const T u = clamp(-(wx0 * ux + wy0 * uy) / vmax(ux * ux + uy * uy, T(1e-20)), T(0), T(1));
        const T wx = wx0 + u * ux, wy = wy0 + u * uy, slowest = wx * wx + wy * wy;
        const T radius = slowest * vsqrt(slowest);
        tight = T(1.01) * (r + half_s) * vabs(bend) >= radius;
        // From the nearest point to a kink |a| = |b| a pixel's |b| falls by |a|^2 / 2 over the radius of curvature at
        // most, and a corner is at most sqrt(2) half-sides away.
        gain = vmin(T(0.5) * (r + half_s) * vabs(bend), T(0.4143) * radius) * (r + half_s) / vmax(radius, T(1e-30));
        along1 = -(wx0 * curve.d0x + wy0 * curve.d0y);
        along2 = -(wx0 * curve.ax + wy0 * curve.ay) - (ux * curve.d0x + uy * curve.d0y);
        along3 = -(ux * curve.ax + uy * curve.ay);
        across1 = wy0 * curve.d0x - wx0 * curve.d0y;
        across2 = wy0 * curve.ax - wx0 * curve.ay + uy * curve.d0x - ux * curve.d0y;
        for (int k = 0; k <= kSamples; ++k) {
            const T t = T(k) / T(kSamples);
            curve.point(t, px[k], py[k]);
            frame(t, tx[k], ty[k]);
            const T inv = inverse_length(tx[k], ty[k]);
            tx[k] *= inv;
            ty[k] *= inv;
        }
        // From a sample the square moves by half an interval, and turns about a point within `reach` by no more than
        // the tangents at the interval's ends do (an angle is at most pi/2 times its sine).
        for (int k = 0; k <= kSamples; ++k) {
            T turn(0);
            if (k > 0) turn = vabs(tx[k] * ty[k - 1] - ty[k] * tx[k - 1]);
            if (k < kSamples) turn = vmax(turn, vabs(tx[k] * ty[k + 1] - ty[k] * tx[k + 1]));
            const T move = curve.longest_move(T(k) / T(kSamples), T(0.5) / T(kSamples));
            turning[k] = T(1.5708) * turn * (reach + move) + T(0.01);
            slack[k] = move + turning[k];
        }
    }
    NP_HD Bounds<T> bounds() const { return curve.bounds(reach); }
    NP_HD void rows_span(T top, T bottom, T& a, T& b) const { curve.rows_span(top, bottom, reach, a, b); }

    // a = q·T and b = q·N at sample k, with T the unit tangent and N = (-Ty, Tx).
    template <typename V>
    NP_HD void local(V x, V y, int k, V& a, V& b) const {
        const V qx = x - V(px[k]), qy = y - V(py[k]);
        a = qx * V(tx[k]) + qy * V(ty[k]);
        b = qy * V(tx[k]) - qx * V(ty[k]);
    }

    // Half-side of the square around sample k that passes through (x, y).
    template <typename V>
    NP_HD V distance(V x, V y, int k) const {
        V a, b;
        local(x, y, k, a, b);
        return vmax(vabs(a), vabs(b));
    }
    // The distances of the pixels within (half_x, half_y) of (x, y): all lie between `low` and `high`, and `low` is
    // below those to the square anywhere within half an interval of sample k, too.
    NP_HD void distances(T x, T y, T half_x, T half_y, int k, T& low, T& high) const {
        const T qx = x - px[k], qy = y - py[k];
        const T a = vabs(qx * tx[k] + qy * ty[k]), b = vabs(qy * tx[k] - qx * ty[k]);
        const T along = half_x * vabs(tx[k]) + half_y * vabs(ty[k]),
                across = half_x * vabs(ty[k]) + half_y * vabs(tx[k]);
        low = vmax(a - along - slack[k], b - across - turning[k]);
        high = vmax(a + along, b + across);
    }
    NP_HD T covered_below() const { return r - half_s; }
    NP_HD T clear_above() const { return r + half_s; }

    // Finite even where rounding leaves no tangent.
    template <typename V>
    NP_HD static V inverse_length(V wx, V wy) {
        return V(1) / vsqrt(vmax(wx * wx + wy * wy, V(T(1e-30))));
    }

    // The tangent, not normalised.
    template <typename V>
    NP_HD void frame(V t, V& wx, V& wy) const {
        const V s = V(1) - t;
        wx = s * V(wx0) + t * V(wx1);
        wy = s * V(wy0) + t * V(wy1);
    }

    // The same at t.
    template <typename V>
    NP_HD void local(V x, V y, V t, V& a, V& b, V& inv) const {
        V bx, by, wx, wy;
        curve.point(t, bx, by);
        frame(t, wx, wy);
        const V qx = x - bx, qy = y - by;
        inv = inverse_length(wx, wy);
        a = (qx * wx + qy * wy) * inv;
        b = (qy * wx - qx * wy) * inv;
    }
    template <typename V>
    NP_HD void local(V x, V y, V t, V& a, V& b) const {
        V inv;
        local(x, y, t, a, b, inv);
    }

    // Root near t of q·(W + turn·perp W), W = tangent, perp W = (-Wy, Wx); turn 0: a = 0, turn -1: a = b, +1: a = -b.
    // Evaluated at t itself, not as the cubic in t that it is: near an end where B' vanishes, W is smaller than the
    // rounding errors of the cubic's terms. The slope, q·(W' + turn·perp W') - W², takes B' = W.
    template <typename V>
    NP_HD V root(V x, V y, V t, V turn, V reach_t) const {
        const V low = vmax(t - reach_t, V(0)), high = vmin(t + reach_t, V(1)), tiny(T(1e-9));
        const V q0x = x - V(curve.x0), q0y = y - V(curve.y0);
        const V ax2(T(2) * curve.ax), ay2(T(2) * curve.ay), gx = ax2 - turn * ay2, gy = ay2 + turn * ax2;
        for (int i = 0; i < kNewtonSteps<T>; ++i) {
            V wx, wy;
            frame(t, wx, wy);
            const V qx = q0x - t * (V(curve.d0x) + t * V(curve.ax)), qy = q0y - t * (V(curve.d0y) + t * V(curve.ay));
            const V value = qx * (wx - turn * wy) + qy * (wy + turn * wx);
            const V slope = qx * gx + qy * gy - (wx * wx + wy * wy);
            const V next = vmin(vmax(t - value / select(vabs(slope) > tiny, slope, V(-1)), low), high);
            const bool moves = any(vabs(next - t) > V(kNewtonMove<T>));
            t = next;
            if (!moves) break;
        }
        return t;
    }

    // Least |a| near t, where it is smooth: da/dt = 0, times |W|^3 (the tangent turns at the rate bend / |W|^2). It
    // exists for pixels beyond the centre of curvature, which only a `tight` curve covers; where |a| bends down, step
    // downhill instead.
    template <typename V>
    NP_HD V stationary(V x, V y, V t, V reach_t) const {
        const V low = vmax(t - reach_t, V(0)), high = vmin(t + reach_t, V(1)), walk = V(T(0.25)) * reach_t;
        const V ax2(T(2) * curve.ax), ay2(T(2) * curve.ay), tiny(T(1e-9));
        for (int i = 0; i < kNewtonSteps<T>; ++i) {
            V bx, by, wx, wy;
            curve.point(t, bx, by);
            frame(t, wx, wy);
            const V qx = x - bx, qy = y - by, side = sign(qx * wx + qy * wy);
            const V w2 = wx * wx + wy * wy;
            const V value = side * (V(bend) * (wx * qy - wy * qx) - w2 * w2);
            const V slope = side * (V(bend) * (ax2 * qy - ay2 * qx) - V(T(4)) * w2 * (wx * ax2 + wy * ay2));
            const V step = select(slope > tiny, value / vmax(slope, tiny), walk * sign(value));
            const V next = vmin(vmax(t - step, low), high);
            const bool moves = any(vabs(next - t) > V(kNewtonMove<T>));
            t = next;
            if (!moves) break;
        }
        return t;
    }

    template <typename V>
    NP_HD Sample<V> sample(V x, V y) const {
        return sample(x, y, NearSamples{0, kSamples, 0, false});
    }

    // M(t) = max(|a|, |b|) is least at a kink |a| = |b|, at a smooth minimum of |b| (a = 0) or of |a|, or at an end. A
    // curve along one of the square's sides has two kinks with nearly the same M far apart, one with a = b and one with
    // a = -b, so the best sample with |a| >= |b| is kept for each. Newton's method polishes what they may border on,
    // and the least M wins.
    template <typename V>
    NP_HD Sample<V> sample(V x, V y, const NearSamples& near) const {
        // A sample that close says that the pixel is inside; where, its colour does not ask. (For double, a GPU has no
        // registers left to ask.)
        if (near.inside || (sizeof(T) == 4 && !any(distance(x, y, near.best) > V(covered_below())))) {
            return {V(1), V(T(near.best) / T(kSamples)), V(0)};
        }
        const V far(T(1e30)), step(T(1) / T(kSamples));
        V m = far, nearest = far, chosen(0), a, b;
        for (int k = near.first; k <= near.last; ++k) {
            local(x, y, k, a, b);
            a = vabs(a);
            b = vabs(b);
            const V value = vmax(a, b);
            chosen = select(value < m, V(T(k) / T(kSamples)), chosen);
            m = vmin(value, m);
            nearest = vmin(vmax(a - V(slack[k]), b - V(turning[k])), nearest);
        }
        // Newton is for the outline alone: a sample that close already says that the pixel is inside, and samples that
        // far that it is outside.
        if (!any((nearest < V(r + half_s)) & (m > V(r - half_s)))) {
            return {select(m < V(r), overlap(m, V(r), inv_s), V(0)), chosen, V(0)};
        }
        V m_same = far, t_same(0), m_other = far, t_other(0), same_hope = far, other_hope = far;
        // The samples around those that matter, too: of two on either side of a kink, only one has |a| >= |b|.
        const int first = near.first > 0 ? near.first - 1 : 0, last = near.last < kSamples ? near.last + 1 : kSamples;
        for (int k = first; k <= last; ++k) {
            const V t(T(k) / T(kSamples));
            local(x, y, k, a, b);
            const V abs_a = vabs(a), along = select(abs_a >= vabs(b), abs_a, far);
            const V same = select(a * b > V(0), along, far), other = select(a * b > V(0), far, along);
            // A kink is at most a whole interval from its sample.
            const V gain(slack[k] + slack[k]);
            t_same = select(same < m_same, t, t_same);
            m_same = vmin(same, m_same);
            same_hope = vmin(same - gain, same_hope);
            t_other = select(other < m_other, t, t_other);
            m_other = vmin(other, m_other);
            other_hope = vmin(other - gain, other_hope);
        }
        const V t = chosen, t_along = select(m_same < m_other, t_same, t_other);
        local(x, y, t, a, b);
        const V own = select(a * b > V(0), V(-1), V(1));
        V weight = select(vabs(a) > vabs(b), V(1), V(0));
        NP_NO_UNROLL
        for (int i = 0; i < 5; ++i) {
            // The last three matter only to a pixel that is not inside yet and that they can bring nearer.
            const V hope = i == 2 ? same_hope : i == 3 ? other_hope : i == 4 ? vmin(same_hope, other_hope) : V(0);
            if (i == 4 && !tight) break;
            if (!any((m > V(r - half_s)) & (hope < vmin(m, V(r + half_s))))) continue;
            const V start = i <= 1 ? t : i == 2 ? t_same : i == 3 ? t_other : t_along;
            const V turn = i == 0 ? V(0) : i == 1 ? own : i == 2 ? V(-1) : V(1);
            const V reach_t = step * V(i == 0 ? T(4) : T(1.5));
            const V candidate = i < 4 ? root(x, y, start, turn, reach_t) : stationary(x, y, start, reach_t);
            local(x, y, candidate, a, b);
            const V value = vmax(vabs(a), vabs(b));
            V w = select(vabs(a) > vabs(b), V(1), V(0));
            if (i >= 1 && i <= 3) w = select((candidate > V(0)) & (candidate < V(1)), V(kKink), w);
            weight = select(value < m, w, weight);
            chosen = select(value < m, candidate, chosen);
            m = vmin(value, m);
        }
        return {overlap(m, V(r), inv_s), chosen, weight};
    }

    // q·W = f0 + t (f1 + t (along2 + t along3)) and W x q = g0 + t (g1 + t across2), q = p - B(t).
    template <typename V>
    struct Pixel {
        V f0, f1, g0, g1;
    };

    template <typename V>
    NP_HD Pixel<V> pixel(V x, V y) const {
        const V qx = x - V(curve.x0), qy = y - V(curve.y0);
        return {qx * V(wx0) + qy * V(wy0), qx * V(ux) + qy * V(uy) + V(along1), qy * V(wx0) - qx * V(wy0),
                qy * V(ux) - qx * V(uy) + V(across1)};
    }

    // The root between low and high of a + turn·b (kKinks) or of a, which fall all the way to it, from a point near by:
    // a' = bend·b / W² - |W| and b' = -bend·a / W².
    template <bool kKinks, typename V>
    NP_HD V crossing(const Pixel<V>& p, V turn, V t, V low, V high) const {
        NP_NO_UNROLL
        for (int i = 0; i < kSteps; ++i) {
            const V along = p.f0 + t * (p.f1 + t * (V(along2) + t * V(along3)));
            const V across = p.g0 + t * (p.g1 + t * V(across2));
            const V wx = V(wx0) + t * V(ux), wy = V(wy0) + t * V(uy), w2 = wx * wx + wy * wy;
            const V value = kKinks ? along + turn * across : along, rest = kKinks ? across - turn * along : across;
            const V w4 = w2 * w2, fall = vmax(w4 - V(bend) * rest, V(T(0.05)) * w4);
            const V next = vmin(vmax(t + value * w2 / fall, low), high);
            const bool moves = any(vabs(next - t) > V(kKinks ? kKinkMove : kFootMove));
            t = next;
            if (!moves) break;
        }
        return t;
    }

    // Where the nearest points of a block's pixels are: see FootCurve::guess. True if the curve does not come to rest
    // between low and high, and a falls all the way for all pixels, as b stays below the radius of curvature.
    template <typename V>
    NP_HD auto guess(V x, V y, V first, V last, V best, T radius, Guess<V>& g) const {
        const V step(T(1) / T(kSamples));
        g.low = vmax((first - V(1)) * step, V(0));
        g.high = vmin((last + V(1)) * step, V(1));
        const Pixel<V> p = pixel(x, y);
        const V t = crossing<false>(p, V(0), best * step, g.low, g.high);
        const auto fall = [&](V u) { return -p.f1 - u * (V(T(2) * along2) + u * V(T(3) * along3)); };
        V wx, wy;
        frame(t, wx, wy);
        const auto between = (t > g.low) & (t < g.high) & (fall(t) > V(T(1e-9)));
        const V inv = select(between, V(1), V(0)) / select(between, fall(t), V(1));
        g.by_x = wx * inv;
        g.by_y = wy * inv;
        g.t0 = t - x * g.by_x - y * g.by_y;
        // W² and W x q part from their chords by no more than these.
        constexpr int kParts = 4;
        const V part = (g.high - g.low) * V(T(1) / T(kParts)), square = V(T(0.25)) * part * part;
        const V speed_part = square * V(ux * ux + uy * uy), turn_part = square * V(vabs(bend * across2));
        V speed[kParts + 1], slowest(T(1e30)), fastest(0), room(T(1e30)), before;
        for (int k = 0; k <= kParts; ++k) {
            const V u = g.low + V(T(k)) * part;
            frame(u, wx, wy);
            speed[k] = wx * wx + wy * wy;
            const V turned = V(bend) * (p.g0 + u * (p.g1 + u * V(across2)));
            if (k > 0) {
                const V least = vmax(vmin(speed[k - 1], speed[k]) - speed_part, V(0));
                const V most = vmax(speed[k - 1], speed[k]);
                slowest = vmin(slowest, least);
                fastest = vmax(fastest, most);
                room = vmin(room, V(T(0.95)) * least * least - vmax(before, turned) - turn_part -
                                      V(vabs(bend) * radius) * vsqrt(most));
            }
            before = turned;
        }
        return (room > V(0)) & (slowest > V(T(0.03)) * fastest) & (slowest > V(T(1e-4)));
    }

    // Inside of a bend M is least at the nearest point, where |b| is. Outside |b| is greatest there, and M least at one
    // of the kinks on either side: where the curve is slower it is bent more, and M is less, unless the curve ends
    // first.
    template <typename V>
    NP_HD Sample<V> sample(V x, V y, const NearSamples& near, const Guess<T>& guess) const {
        if (near.inside) return {V(1), V(T(near.best) / T(kSamples)), V(0)};
        const Pixel<V> p = pixel(x, y);
        const V low(guess.low), high(guess.high), start = guessed(guess, x, y);
        const V nearest = crossing<false>(p, V(0), start, low, high);
        V a, b, inv, t = nearest;
        local(x, y, t, a, b, inv);
        V m = vmax(vabs(a), vabs(b)), weight = select(vabs(a) > vabs(b), V(1), V(0));
        auto wanted = (b * V(bend) < V(0)) & (vabs(a) < vabs(b)) & (m > V(r - half_s)) & (m < V(r + half_s + gain));
        if (!any(wanted)) return {overlap(m, V(r), inv_s), t, weight};
        const V slows = V(wx0 * ux + wy0 * uy) + nearest * V(ux * ux + uy * uy);
        V turn = select(slows < V(0), V(T(-1)), V(1)) * V(bend < T(0) ? T(-1) : T(1));
        for (int side = 0; side < 2; ++side) {
            const auto later = turn * b > V(0);
            const V from = select(later, nearest, low), to = select(later, high, nearest);
            const V found = crossing<true>(p, turn, nearest, from, to);
            V c, d;
            local(x, y, found, c, d, inv);
            const auto ends = (found <= low) | (found >= high);
            // As |a| weighs in M's derivative at a kink, so that what t is still off hardly changes M.
            const V turned = V(vabs(bend)) * inv * inv * inv, size_a = vabs(c), size_b = vabs(d);
            const V own = select(ends, select(size_a > size_b, V(1), V(0)),
                                 turned * size_a / (V(1) + turned * (size_a + size_b)));
            const V value = size_b + own * (size_a - size_b);
            const auto nearer = wanted & (value < m);
            weight = select(nearer, own, weight);
            t = select(nearer, found, t);
            m = select(nearer, value, m);
            wanted = wanted & (m > V(r - half_s));
            if (sizeof(T) == 4) wanted = wanted & ends;  // for double the chord's share in W can decide
            if (!any(wanted)) break;
            turn = -turn;
        }
        return {overlap(m, V(r), inv_s), t, weight};
    }

    template <typename V>
    NP_HD void accumulate(V x, V y, const Sample<V>& s, V g_coverage, V, V, V* sums) const {
        if (!any(s.coverage < V(1))) return;  // well inside: the shape makes no difference
        const V t = s.t;
        V bx, by, wx, wy, by_d, by_r;
        curve.point(t, bx, by);
        frame(t, wx, wy);
        const V qx = x - bx, qy = y - by;
        const V inv = inverse_length(wx, wy), nx = wx * inv, ny = wy * inv;
        const V a = qx * nx + qy * ny, b = qy * nx - qx * ny;
        overlap_grad(vmax(vabs(a), vabs(b)), V(r), inv_s, by_d, by_r);
        // At a kink |a| = |b| the minimum moves so that weight·d|a| + (1 - weight)·d|b| vanishes along t.
        V dx, dy;
        curve.velocity(t, dx, dy);
        const V turn = V(bend) * inv * inv, rise_b = sign(b) * (dx * ny - dy * nx - a * turn);
        const V gap = sign(a) * (b * turn - dx * nx - dy * ny) - rise_b;
        const V balance = clamp(-rise_b / select(vabs(gap) > V(T(1e-12)), gap, V(1)), T(0), T(1));
        const V weight = select(s.extra > V(1), balance, s.extra);
        const V g_m = g_coverage * by_d;
        const V g_a = g_m * weight * sign(a), g_b = g_m * (V(1) - weight) * sign(b);
        // By q (= p - B), by the unit tangent, by the tangent before it was normalised.
        const V g_bx = -(g_a * nx - g_b * ny), g_by = -(g_a * ny + g_b * nx);
        const V g_nx = g_a * qx + g_b * qy, g_ny = g_a * qy - g_b * qx;
        const V radial = g_nx * nx + g_ny * ny;
        // A stroke of no length has no direction to turn.
        const V turns = select(inv < V(T(1e6)), inv, V(0));
        const V g_wx = (g_nx - nx * radial) * turns, g_wy = (g_ny - ny * radial) * turns;
        curve.accumulate(t, g_bx, g_by, g_wx, g_wy, sums);
        const V chord{T(kChordShare)};
        sums[0] -= chord * g_wx;
        sums[1] -= chord * g_wy;
        sums[4] += chord * g_wx;
        sums[5] += chord * g_wy;
        sums[6] += g_coverage * by_r;
    }

    NP_HD void finish(const T* p, const View<T>& view, const T* sums, T* grad) const {
        curve.finish(p, view, sums, grad);
        grad[6] = T(0.25) * view.scale * sums[6];
        grad[7] = T(0);
    }
};
NP_BRUSH(MarkerStroke)

}  // namespace neuralpaint
