// How lines cross pixels, and how much of a pixel an outline covers.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/path_outline.h"
#include "common/scalar.h"

namespace neuralpaint {

// The share of a pixel that a layer covers, for the running sum A of its signed areas.
template <typename V>
NP_HD V coverage_of(V area, FillRule rule) {
    using T = scalar_t<V>;
    const V size = vabs(area);
    if (rule == FillRule::kNonZero) return vmin(size, V(T(1)));
    const V rest = size - T(2) * from_int<V>(truncate(T(0.5) * size));
    return vmin(rest, T(2) - rest);
}

// Its derivative. At A = 0 it is that of a shape which grows; within rounding of full coverage, of one that shrinks.
template <typename V>
NP_HD V coverage_slope(V area, FillRule rule, scalar_t<V> orientation) {
    using T = scalar_t<V>;
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
NP_HD_CALL void walk_line(Point a, Point b, int rows, int width, F&& f) {
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

// A part of a line within a tile, in pixels from the tile's corner.
template <typename T>
struct LinePiece {
    T x0, y0, x1, y1, slope;  // dx / dy
};

template <typename T>
NP_HD LinePiece<T> line_piece(Point a, Point b) {
    constexpr double kMost = 1e30;  // beyond, the height is nothing
    const double slope = b.y == a.y ? 0 : (b.x - a.x) / (b.y - a.y);
    return {T(a.x), T(a.y), T(b.x), T(b.y), T(std::clamp(slope, -kMost, kMost))};
}

// The parts of the line a -> b that have a share in the signed areas of a tile's pixels, 0 <= y < rows and
// 0 <= x < columns: of what is to the left of it only the height counts. Returns how many there are, 2 at most.
template <typename T>
NP_HD_CALL int cut_line(Point a, Point b, double rows, double columns, LinePiece<T>* pieces) {
    const double low = std::min(a.y, b.y), high = std::max(a.y, b.y);
    if (!(high > 0 && low < rows && high > low)) return 0;
    const double slope = (b.x - a.x) / (b.y - a.y);
    const auto at_row = [&](double y) { return Point{a.x + (y - a.y) * slope, y}; };
    Point p = a.y < 0 ? at_row(0) : a.y > rows ? at_row(rows) : a;
    Point q = b.y < 0 ? at_row(0) : b.y > rows ? at_row(rows) : b;
    if (p.y == q.y || (p.x >= columns && q.x >= columns)) return 0;
    const auto at_column = [&](double x) {
        const double y = p.y + (x - p.x) / (q.x - p.x) * (q.y - p.y);
        return Point{x, std::clamp(y, std::min(p.y, q.y), std::max(p.y, q.y))};
    };
    if (p.x > columns || q.x > columns) (p.x > columns ? p : q) = at_column(columns);
    if (p.x >= 0 && q.x >= 0) {
        pieces[0] = line_piece<T>(p, q);
        return p.y != q.y;
    }
    if (p.x <= 0 && q.x <= 0) {
        pieces[0] = line_piece<T>({0, p.y}, {0, q.y});
        return 1;
    }
    const Point middle = at_column(0);
    const bool enters = p.x < 0;
    const LinePiece<T> left = enters ? line_piece<T>({0, p.y}, middle) : line_piece<T>(middle, {0, q.y});
    const LinePiece<T> right = enters ? line_piece<T>(middle, q) : line_piece<T>(p, middle);
    const bool has_left = left.y0 != left.y1;
    pieces[0] = has_left ? left : right;
    pieces[1] = right;
    return has_left ? 2 : 1;
}

// The signed area, of the pixel in that column and row of the tile, to the right of a piece.
template <typename T>
NP_HD T area_beside(const LinePiece<T>& piece, T column, T row) {
    const T low = vmin(piece.y0, piece.y1), high = vmax(piece.y0, piece.y1);
    const T top = vmax(low, row), bottom = vmin(high, row + T(1));
    if (!(bottom > top)) return T(0);
    const T least = vmin(piece.x0, piece.x1), most = vmax(piece.x0, piece.x1), right = column + T(1);
    const T x = clamp(piece.x0 + (top - piece.y0) * piece.slope, least, most);
    const T z = clamp(piece.x0 + (bottom - piece.y0) * piece.slope, least, most);
    const T from = vmin(x, z), to = vmax(x, z);
    const T per_width = T(1) / vmax(to - from, T(1e-6));
    // The shares of the part in this row that lie to the left of the pixel, and up to its right side.
    const T left = clamp((column - from) * per_width, T(0), T(1)), upto = clamp((right - from) * per_width, T(0), T(1));
    const T middle = T(0.5) * (clamp(from, column, right) + clamp(to, column, right));
    const T area = (bottom - top) * (left + (upto - left) * (right - middle));
    return piece.y1 > piece.y0 ? area : -area;
}

}  // namespace neuralpaint
