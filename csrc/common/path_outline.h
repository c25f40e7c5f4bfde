// Curves as polylines, and the outline of a polyline that is stroked. Everything is in pixels and in double precision:
// there are far fewer points than pixels.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "common/macros.h"
#include "common/paths.h"
#include "common/scalar.h"

namespace neuralpaint {

struct Point {
    double x, y;
};
NP_HD_CALL Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }
NP_HD_CALL Point operator-(Point a, Point b) { return {a.x - b.x, a.y - b.y}; }
NP_HD_CALL Point operator*(double s, Point a) { return {s * a.x, s * a.y}; }
NP_HD_CALL Point& operator+=(Point& a, Point b) { return a = a + b; }
NP_HD_CALL double dot(Point a, Point b) { return a.x * b.x + a.y * b.y; }
NP_HD_CALL double cross(Point a, Point b) { return a.x * b.y - a.y * b.x; }
NP_HD_CALL double norm(Point a) { return std::sqrt(dot(a, a)); }
NP_HD_CALL Point quarter_turn(Point a) { return {-a.y, a.x}; }
NP_HD_CALL Point turned(Point a, double angle) {
    const double c = std::cos(angle), s = std::sin(angle);
    return {c * a.x - s * a.y, s * a.x + c * a.y};
}

constexpr double kPi = 3.14159265358979323846;
constexpr double kTolerance = 0.02;               // how far, in pixels, a line may be from its curve
constexpr int kMostLines = 1024;                  // of one segment
constexpr double kFar = 1e9;                      // coordinates beyond are taken to be there
constexpr double kShort = 1e-6;                   // a chord below this has no direction
constexpr int64_t kMostItems = int64_t(1) << 28;  // points, and edges in bands or tiles, of a picture

// NaN, which no caller should let through, becomes a number too.
NP_HD_CALL double within_reach(double x) {
    if (!(x >= -kFar)) return -kFar;
    return x <= kFar ? x : kFar;
}

NP_HD_CALL double radius_of(double width) { return 0.5 * vmin(vmax(width, 0.0), kFar); }

NP_HD_CALL double turn_between(Point a, Point b) {
    return dot(a, a) > 0 && dot(b, b) > 0 ? std::fabs(std::atan2(cross(a, b), dot(a, b))) : 0;
}

// The lines that a segment is cut into, at equal steps of its parameter, so that none is farther from the curve than
// kTolerance, nor from the curve's parallel at `radius` (Wang's bound on the second derivative). One is enough where
// the segment and its stroke are above, below or at one side of the picture: there only the ends matter.
NP_HD_CALL int line_count(const Point p[4], double radius, double reach, int height, int width) {
    double low_x = p[0].x, high_x = p[0].x, low_y = p[0].y, high_y = p[0].y;
    for (int k = 1; k < 4; ++k) {
        low_x = std::min(low_x, p[k].x), high_x = std::max(high_x, p[k].x);
        low_y = std::min(low_y, p[k].y), high_y = std::max(high_y, p[k].y);
    }
    if (high_x + reach < 0 || high_y + reach < 0 || low_x - reach > width || low_y - reach > height) return 1;
    const Point first = p[0] - 2 * p[1] + p[2], second = p[1] - 2 * p[2] + p[3];
    double lines = std::sqrt(0.75 / kTolerance * std::max(norm(first), norm(second)));
    if (radius > 0.5) {
        const double turn = turn_between(p[1] - p[0], p[2] - p[1]) + turn_between(p[2] - p[1], p[3] - p[2]);
        lines = std::max(lines, turn * std::sqrt(radius / (8 * kTolerance)));
    }
    const int count = static_cast<int>(std::ceil(vmin(lines, kMostLines)));
    return count > 1 ? count : 1;
}

// What the control points weigh in vertex j of a segment that is cut into lines: Bernstein's weights at t = j / lines.
// Those between the ends lie outside of the curve by about a twelfth of its second derivative over a step, so that the
// lines enclose the area that the curve does, where chords would cut it off.
struct Weights {
    double w[4];
    NP_HD_CALL Weights(int j, int lines) {
        const double t = double(j) / lines, u = 1 - t,
                     out = j > 0 && j < lines ? 0.5 / (double(lines) * (lines - 1)) : 0;
        w[0] = u * u * u - out * u;
        w[1] = 3 * u * u * t - out * (3 * t - 2);
        w[2] = 3 * u * t * t - out * (1 - 3 * t);
        w[3] = t * t * t - out * t;
    }
};

struct StrokeStyle {
    Cap cap;
    Join join;
    double miter_limit;
};

// The outline of a polyline's stroke: closed contours that cover each of its parts (a quadrilateral a chord, wedges at
// joins, caps) with the same orientation, so that parts that overlap add up and the non-zero rule unites them. Where
// chords meet at a slight angle, the sides are mitred: the quadrilaterals share an edge, and cover nothing twice.
class Stroker {
 public:
    struct Chord {
        int from, to;
        double length;
        Point normal;  // of length 1
    };

    // `kept` and `chords` have room for as many as there are vertices.
    NP_HD_CALL Stroker(int* kept, Chord* chords) : kept_(kept), chords_(chords) {}

    // `inner[i]`: vertex i is within a segment, where the curve is smooth.
    NP_HD_CALL void set(const Point* vertices, const char* inner, int count, bool closed, double radius,
                        StrokeStyle style) {
        vertices_ = vertices, inner_ = inner, closed_ = closed, radius_ = radius, style_ = style;
        int kept = 0;
        for (int i = 0; i < count; ++i) {
            if (kept == 0 || norm(vertices[i] - vertices[kept_[kept - 1]]) > kShort) kept_[kept++] = i;
        }
        if (closed && kept > 1 && norm(vertices[kept_[kept - 1]] - vertices[kept_[0]]) <= kShort) --kept;
        empty_ = kept == 0;
        count_ = kept > 1 ? kept - (closed ? 0 : 1) : 0;
        for (int i = 0; i < count_; ++i) {
            const int from = kept_[i], to = kept_[(i + 1) % kept];
            const Point way = vertices[to] - vertices[from];
            const double length = norm(way);
            chords_[i] = {from, to, length, (1 / length) * quarter_turn(way)};
        }
    }

    // Hands the outline's points in order to `out`, and calls out.close() after each contour.
    template <typename Out>
    NP_HD_CALL void outline(Out& out) const {
        if (!(radius_ > 0) || empty_) return;
        if (count_ == 0) return dot_outline(out);
        side(out, false);
        if (closed_) {
            out.close();
        } else {
            cap(out, chords_[count_ - 1], chords_[count_ - 1].to, 1);
        }
        side(out, true);
        if (!closed_) cap(out, chords_[0], chords_[0].from, -1);
        out.close();
    }

    NP_HD_CALL const Chord* chords() const { return chords_; }
    NP_HD_CALL int chord_count() const { return count_; }
    NP_HD_CALL double radius() const { return radius_; }
    NP_HD_CALL const Point& vertex(int i) const { return vertices_[i]; }

    NP_HD_CALL static double turn(Point a, Point b) {  // from normal a to b, the outer way
        const double across = cross(a, b), along = dot(a, b);
        return across == 0 && along < 0 ? -kPi : std::atan2(across, along);
    }

 private:
    NP_HD_CALL int arc_steps(double angle) const {
        return std::clamp(static_cast<int>(std::ceil(std::fabs(angle) * std::sqrt(radius_ / (8 * kTolerance)))), 1,
                          256);
    }

    // One side, to the left of the way or of the way back.
    template <typename Out>
    NP_HD_CALL void side(Out& out, bool back) const {
        const int count = count_, sign = back ? -1 : 1;
        const auto chord = [&](int i) -> const Chord& { return chords_[back ? count - 1 - i : i]; };
        const auto end = [&](const Chord& c) { return back ? c.from : c.to; };
        if (!closed_) out.side(chord(0), back ? chord(0).to : chord(0).from, sign);
        for (int i = 0; i + (closed_ ? 0 : 1) < count; ++i) {
            join(out, chord(i), chord((i + 1) % count), end(chord(i)), sign);
        }
        if (!closed_) out.side(chord(count - 1), end(chord(count - 1)), sign);
    }

    template <typename Out>
    NP_HD_CALL void join(Out& out, const Chord& a, const Chord& b, int vertex, int sign) const {
        const double across = cross(a.normal, b.normal), along = dot(a.normal, b.normal);
        const double stretch = std::sqrt(2 / std::max(1 + along, 1e-12));  // 1 / cos(half the turn)
        const bool outer = across < 0 || (across == 0 && along < 0 && sign > 0);
        const bool slight = radius_ * (stretch - 1) <= kTolerance;
        if (!outer) {
            const double reach = radius_ * std::sqrt(std::max(1 - along, 0.0) / std::max(1 + along, 1e-12));
            if (1 + along > 1e-3 && reach <= 0.5 * std::min(a.length, b.length)) return out.miter(a, b, vertex, sign);
            out.side(a, vertex, sign);
            out.vertex(vertex);
            return out.side(b, vertex, sign);
        }
        if (slight) return out.miter(a, b, vertex, sign);
        if (inner_[vertex] || style_.join == Join::kRound) {
            const int steps = arc_steps(turn(a.normal, b.normal));
            out.side(a, vertex, sign);
            for (int k = 1; k < steps; ++k) out.arc(a, b, vertex, sign, double(k) / steps);
            return out.side(b, vertex, sign);
        }
        if (style_.join == Join::kMiter && stretch <= style_.miter_limit) return out.miter(a, b, vertex, sign);
        out.side(a, vertex, sign);
        out.side(b, vertex, sign);
    }

    template <typename Out>
    NP_HD_CALL void cap(Out& out, const Chord& chord, int vertex, int sign) const {
        if (style_.cap == Cap::kSquare) {
            out.end(chord, vertex, sign, -0.25 * kPi, std::sqrt(2.0));
            out.end(chord, vertex, sign, -0.75 * kPi, std::sqrt(2.0));
        } else if (style_.cap == Cap::kRound) {
            // Points between the ends are so far out that the cap has the area of half a disc.
            const int steps = std::max(3, arc_steps(kPi));
            const double whole = kPi / std::sin(kPi / steps);
            const double out_by = (std::sqrt(1 + (steps - 2) * whole) - 1) / (steps - 2);
            for (int k = 1; k < steps; ++k) out.end(chord, vertex, sign, -kPi * k / steps, out_by);
        }
    }

    // A contour without length: a disc or a square.
    template <typename Out>
    NP_HD_CALL void dot_outline(Out& out) const {
        if (style_.cap == Cap::kButt) return;
        const bool square = style_.cap == Cap::kSquare;
        const int steps = square ? 4 : std::max(8, arc_steps(2 * kPi));
        const double part = 2 * kPi / steps, length = std::sqrt(square ? 2.0 : part / std::sin(part));
        for (int k = 0; k < steps; ++k) {
            const double angle = part * (k + (square ? 0.5 : 0.0));
            out.around(kept_[0], length * Point{std::cos(angle), std::sin(angle)});
        }
        out.close();
    }

    const Point* vertices_ = nullptr;
    const char* inner_ = nullptr;
    bool closed_ = false;
    double radius_ = 0;
    StrokeStyle style_{};
    int* kept_;
    Chord* chords_;
    int count_ = 0;  // of chords
    bool empty_ = true;
};

// Where the outline's points are. `add(point)` and `close()` are the caller's.
template <typename Add, typename Close>
struct OutlinePoints {
    using Chord = Stroker::Chord;
    const Stroker& stroker;
    Add add;
    Close close;

    NP_HD_CALL void put(int vertex, Point offset) { add(stroker.vertex(vertex) + stroker.radius() * offset); }
    NP_HD_CALL void vertex(int v) { put(v, {0, 0}); }
    NP_HD_CALL void side(const Chord& c, int v, int sign) { put(v, sign * c.normal); }
    NP_HD_CALL void around(int v, Point offset) { put(v, offset); }
    NP_HD_CALL void end(const Chord& c, int v, int sign, double angle, double length) {
        put(v, (sign * length) * turned(c.normal, angle));
    }
    NP_HD_CALL void arc(const Chord& a, const Chord& b, int v, int sign, double part) {
        put(v, sign * turned(a.normal, part * Stroker::turn(a.normal, b.normal)));
    }
    NP_HD_CALL void miter(const Chord& a, const Chord& b, int v, int sign) {
        put(v, (sign / (1 + dot(a.normal, b.normal))) * (a.normal + b.normal));
    }
};

template <typename Add, typename Close>
OutlinePoints(const Stroker&, Add, Close) -> OutlinePoints<Add, Close>;

// The way back: takes the derivative by each point of the outline, in the same order, from `next()`, and adds up those
// by vertices and radius.
template <typename Next>
struct OutlineDerivatives {
    using Chord = Stroker::Chord;
    const Stroker& stroker;
    Next next;
    Point* by_vertex;
    Point* by_normal;  // as many as there are chords, zero at first
    double by_radius = 0;

    NP_HD_CALL void close() {}
    // Adds what the offset of an outline's point, in units of the radius, is told; returns the derivative by it.
    NP_HD_CALL Point put(int vertex, Point offset) {
        const Point grad = next();
        by_vertex[vertex] += grad;
        by_radius += dot(grad, offset);
        return stroker.radius() * grad;
    }
    NP_HD_CALL Point& normal(const Chord& c) { return by_normal[&c - stroker.chords()]; }

    NP_HD_CALL void vertex(int v) { put(v, {0, 0}); }
    NP_HD_CALL void around(int v, Point offset) { put(v, offset); }
    NP_HD_CALL void side(const Chord& c, int v, int sign) { normal(c) += sign * put(v, sign * c.normal); }
    NP_HD_CALL void end(const Chord& c, int v, int sign, double angle, double length) {
        const Point grad = put(v, (sign * length) * turned(c.normal, angle));
        normal(c) += (sign * length) * turned(grad, -angle);
    }
    NP_HD_CALL void arc(const Chord& a, const Chord& b, int v, int sign, double part) {
        const double angle = part * Stroker::turn(a.normal, b.normal);
        const Point offset = sign * turned(a.normal, angle), grad = put(v, offset);
        const double by_turn = part * dot(grad, quarter_turn(offset));
        normal(a) += sign * turned(grad, -angle);
        normal(a) += -by_turn * quarter_turn(a.normal);
        normal(b) += by_turn * quarter_turn(b.normal);
    }
    NP_HD_CALL void miter(const Chord& a, const Chord& b, int v, int sign) {
        const double share = 1 / (1 + dot(a.normal, b.normal));
        const Point middle = share * (a.normal + b.normal), grad = sign * put(v, sign * middle);
        const double along = share * dot(grad, middle);
        normal(a) += share * grad - along * b.normal;
        normal(b) += share * grad - along * a.normal;
    }

    // From normals to the vertices at the chords' ends.
    NP_HD_CALL void finish() {
        for (int i = 0; i < stroker.chord_count(); ++i) {
            const Chord& chord = stroker.chords()[i];
            const double by_angle = dot(by_normal[i], quarter_turn(chord.normal));
            const Point by_way = (by_angle / chord.length) * chord.normal;
            by_vertex[chord.to] += by_way;
            by_vertex[chord.from] += -1 * by_way;
        }
    }
};
template <typename Next>
OutlineDerivatives(const Stroker&, Next, Point*, Point*) -> OutlineDerivatives<Next>;

}  // namespace neuralpaint
