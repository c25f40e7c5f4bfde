// How lines cross pixels, and how much of a pixel an outline covers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "common/lanes.h"
#include "cpu/path_outline.h"

namespace neuralpaint::cpu {

// Rows that go through the kernel together, a row a lane: a running sum along x is then a sum of vectors.
template <typename T>
constexpr int kBandRows = kLanes<T>;

template <typename T>
using Rows = Lanes<T, kBandRows<T>>;

// The share of a pixel that a layer covers, for the running sum A of its signed areas.
template <typename T>
inline Rows<T> coverage_of(Rows<T> area, FillRule rule) {
    const Rows<T> size = vabs(area);
    if (rule == FillRule::kNonZero) return vmin(size, Rows<T>(T(1)));
    const Rows<T> rest = size - T(2) * from_int<Rows<T>>(truncate(T(0.5) * size));
    return vmin(rest, T(2) - rest);
}

// Its derivative. At A = 0 it is that of a shape which grows; within rounding of full coverage, of one that shrinks.
template <typename T>
inline Rows<T> coverage_slope(Rows<T> area, FillRule rule, T orientation) {
    using V = Rows<T>;
    constexpr T kRounding = 32 * std::numeric_limits<T>::epsilon();
    const V size = vabs(area), one(T(1));
    const V sign = select(size < V(kRounding), V(orientation), select(area < V(T(0)), V(T(-1)), one));
    if (rule == FillRule::kNonZero) return select(size <= V(T(1) + kRounding), sign, V(T(0)));
    const V rest = size - T(2) * from_int<V>(truncate(T(0.5) * size));
    return select(rest <= one, sign, T(0) - sign);
}

// Calls f(s0, s1, column, row) for the parts of the line a -> b, from a + s0 (b - a) to a + s1 (b - a), in each pixel
// of `rows` rows from 0 on and `width` columns. Everything left of column 0 counts as one column, -1.
template <typename F>
inline void walk_line(Point a, Point b, int rows, int width, F&& f) {
    const double dx = b.x - a.x, dy = b.y - a.y;
    double s = 0, last = 1;
    const bool level = std::fabs(dy) < 1e-12, upright = std::fabs(dx) < 1e-12;
    if (level) {
        if (a.y < 0 || a.y >= rows) return;
    } else {
        const double u = -a.y / dy, v = (rows - a.y) / dy;
        s = std::max(s, std::min(u, v)), last = std::min(last, std::max(u, v));
    }
    if (upright) {
        if (a.x >= width) return;
    } else {
        const double v = (width - a.x) / dx;
        if (dx > 0) last = std::min(last, v);
        if (dx < 0) s = std::max(s, v);
    }
    if (!(s < last)) return;
    const double x = a.x + s * dx, y = a.y + s * dy;
    const int turn_x = upright ? 0 : dx > 0 ? 1 : -1, turn_y = level ? 0 : dy > 0 ? 1 : -1;
    int row = static_cast<int>(std::clamp(turn_y < 0 ? std::ceil(y) - 1 : std::floor(y), 0.0, rows - 1.0));
    int column = static_cast<int>(std::clamp(turn_x < 0 ? std::ceil(x) - 1 : std::floor(x), -1.0, width - 1.0));
    const double by_x = upright ? 0 : 1 / dx, by_y = level ? 0 : 1 / dy;
    for (;;) {
        double cut_x = 2, cut_y = 2;
        if (turn_x > 0) cut_x = (column + 1 - a.x) * by_x;
        if (turn_x < 0 && column >= 0) cut_x = (column - a.x) * by_x;
        if (turn_y > 0) cut_y = (row + 1 - a.y) * by_y;
        if (turn_y < 0) cut_y = (row - a.y) * by_y;
        const double next = std::max(s, std::min(std::min(cut_x, cut_y), last));
        f(s, next, column, row);
        if (next >= last) return;
        if (cut_x <= cut_y) {
            column += turn_x;
        } else {
            row += turn_y;
        }
        if (column >= width || column < -1 || row < 0 || row >= rows) return;
        s = next;
    }
}

}  // namespace neuralpaint::cpu
