// Curves as polylines, and the outline of a polyline that is stroked. Everything is in pixels and in double precision:
// there are far fewer points than pixels.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "cpu/paths.h"

namespace neuralpaint::cpu {

struct Point {
    double x, y;
};
inline Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }
inline Point operator-(Point a, Point b) { return {a.x - b.x, a.y - b.y}; }
inline Point operator*(double s, Point a) { return {s * a.x, s * a.y}; }
inline Point& operator+=(Point& a, Point b) { return a = a + b; }
inline double dot(Point a, Point b) { return a.x * b.x + a.y * b.y; }
inline double cross(Point a, Point b) { return a.x * b.y - a.y * b.x; }
inline double norm(Point a) { return std::sqrt(dot(a, a)); }
inline Point quarter_turn(Point a) { return {-a.y, a.x}; }
inline Point turned(Point a, double angle) {
    const double c = std::cos(angle), s = std::sin(angle);
    return {c * a.x - s * a.y, s * a.x + c * a.y};
}

constexpr double kPi = 3.14159265358979323846;
constexpr double kTolerance = 0.02;  // how far, in pixels, a line may be from its curve
constexpr int kMostLines = 1024;     // of one segment
constexpr double kFar = 1e9;         // coordinates beyond are taken to be there
constexpr double kShort = 1e-6;      // a chord below this has no direction

// NaN, which no caller should let through, becomes a number too.
inline double within_reach(double x) {
    if (!(x >= -kFar)) return -kFar;
    return x <= kFar ? x : kFar;
}

inline double turn_between(Point a, Point b) {
    return dot(a, a) > 0 && dot(b, b) > 0 ? std::fabs(std::atan2(cross(a, b), dot(a, b))) : 0;
}

// The lines that a segment is cut into, at equal steps of its parameter, so that none is farther from the curve than
// kTolerance, nor from the curve's parallel at `radius` (Wang's bound on the second derivative). One is enough where
// the segment and its stroke are above, below or at one side of the picture: there only the ends matter.
inline int line_count(const Point p[4], double radius, double reach, int height, int width) {
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
    return std::clamp(static_cast<int>(std::ceil(std::min(lines, double(kMostLines)))), 1, kMostLines);
}

// What the control points weigh in vertex j of a segment that is cut into lines: Bernstein's weights at t = j / lines.
// Those between the ends lie outside of the curve by about a twelfth of its second derivative over a step, so that the
// lines enclose the area that the curve does, where chords would cut it off.
struct Weights {
    double w[4];
    Weights(int j, int lines) {
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
    // `inner[i]`: vertex i is within a segment, where the curve is smooth.
    void set(const Point* vertices, const char* inner, int count, bool closed, double radius, StrokeStyle style) {
        vertices_ = vertices, inner_ = inner, closed_ = closed, radius_ = radius, style_ = style;
        kept_.clear();
        chords_.clear();
        for (int i = 0; i < count; ++i) {
            if (kept_.empty() || norm(vertices[i] - vertices[kept_.back()]) > kShort) kept_.push_back(i);
        }
        if (closed && kept_.size() > 1 && norm(vertices[kept_.back()] - vertices[kept_[0]]) <= kShort) kept_.pop_back();
        const size_t chords = kept_.size() > 1 ? kept_.size() - (closed ? 0 : 1) : 0;
        for (size_t i = 0; i < chords; ++i) {
            const int from = kept_[i], to = kept_[(i + 1) % kept_.size()];
            const Point way = vertices[to] - vertices[from];
            const double length = norm(way);
            chords_.push_back({from, to, length, (1 / length) * quarter_turn(way)});
        }
    }

    // Hands the outline's points in order to `out`, and calls out.close() after each contour.
    template <typename Out>
    void outline(Out& out) const {
        if (!(radius_ > 0) || kept_.empty()) return;
        if (chords_.empty()) return dot_outline(out);
        side(out, false);
        if (closed_) {
            out.close();
        } else {
            cap(out, chords_.back(), chords_.back().to, 1);
        }
        side(out, true);
        if (!closed_) cap(out, chords_[0], chords_[0].from, -1);
        out.close();
    }

    struct Chord {
        int from, to;
        double length;
        Point normal;  // of length 1
    };
    const std::vector<Chord>& chords() const { return chords_; }
    double radius() const { return radius_; }
    const Point& vertex(int i) const { return vertices_[i]; }

    static double turn(Point a, Point b) {  // from normal a to b, the outer way
        const double across = cross(a, b), along = dot(a, b);
        return across == 0 && along < 0 ? -kPi : std::atan2(across, along);
    }

 private:
    int arc_steps(double angle) const {
        return std::clamp(static_cast<int>(std::ceil(std::fabs(angle) * std::sqrt(radius_ / (8 * kTolerance)))), 1,
                          256);
    }

    // One side, to the left of the way or of the way back.
    template <typename Out>
    void side(Out& out, bool back) const {
        const int count = static_cast<int>(chords_.size()), sign = back ? -1 : 1;
        const auto chord = [&](int i) -> const Chord& { return chords_[back ? count - 1 - i : i]; };
        const auto end = [&](const Chord& c) { return back ? c.from : c.to; };
        if (!closed_) out.side(chord(0), back ? chord(0).to : chord(0).from, sign);
        for (int i = 0; i + (closed_ ? 0 : 1) < count; ++i) {
            join(out, chord(i), chord((i + 1) % count), end(chord(i)), sign);
        }
        if (!closed_) out.side(chord(count - 1), end(chord(count - 1)), sign);
    }

    template <typename Out>
    void join(Out& out, const Chord& a, const Chord& b, int vertex, int sign) const {
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
    void cap(Out& out, const Chord& chord, int vertex, int sign) const {
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
    void dot_outline(Out& out) const {
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
    std::vector<int> kept_;
    std::vector<Chord> chords_;
};

// Where the outline's points are. `add(point)` and `close()` are the caller's.
template <typename Add, typename Close>
struct OutlinePoints {
    using Chord = Stroker::Chord;
    const Stroker& stroker;
    Add add;
    Close close;

    void put(int vertex, Point offset) { add(stroker.vertex(vertex) + stroker.radius() * offset); }
    void vertex(int v) { put(v, {0, 0}); }
    void side(const Chord& c, int v, int sign) { put(v, sign * c.normal); }
    void around(int v, Point offset) { put(v, offset); }
    void end(const Chord& c, int v, int sign, double angle, double length) {
        put(v, (sign * length) * turned(c.normal, angle));
    }
    void arc(const Chord& a, const Chord& b, int v, int sign, double part) {
        put(v, sign * turned(a.normal, part * Stroker::turn(a.normal, b.normal)));
    }
    void miter(const Chord& a, const Chord& b, int v, int sign) {
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
    double by_radius = 0;
    std::vector<Point> by_normal;

    void close() {}
    // Adds what the offset of an outline's point, in units of the radius, is told; returns the derivative by it.
    Point put(int vertex, Point offset) {
        const Point grad = next();
        by_vertex[vertex] += grad;
        by_radius += dot(grad, offset);
        return stroker.radius() * grad;
    }
    Point& normal(const Chord& c) { return by_normal[&c - stroker.chords().data()]; }

    void vertex(int v) { put(v, {0, 0}); }
    void around(int v, Point offset) { put(v, offset); }
    void side(const Chord& c, int v, int sign) { normal(c) += sign * put(v, sign * c.normal); }
    void end(const Chord& c, int v, int sign, double angle, double length) {
        const Point grad = put(v, (sign * length) * turned(c.normal, angle));
        normal(c) += (sign * length) * turned(grad, -angle);
    }
    void arc(const Chord& a, const Chord& b, int v, int sign, double part) {
        const double angle = part * Stroker::turn(a.normal, b.normal);
        const Point offset = sign * turned(a.normal, angle), grad = put(v, offset);
        const double by_turn = part * dot(grad, quarter_turn(offset));
        normal(a) += sign * turned(grad, -angle);
        normal(a) += -by_turn * quarter_turn(a.normal);
        normal(b) += by_turn * quarter_turn(b.normal);
    }
    void miter(const Chord& a, const Chord& b, int v, int sign) {
        const double share = 1 / (1 + dot(a.normal, b.normal));
        const Point middle = share * (a.normal + b.normal), grad = sign * put(v, sign * middle);
        const double along = share * dot(grad, middle);
        normal(a) += share * grad - along * b.normal;
        normal(b) += share * grad - along * a.normal;
    }

    // From normals to the vertices at the chords' ends.
    void finish() {
        for (size_t i = 0; i < by_normal.size(); ++i) {
            const Chord& chord = stroker.chords()[i];
            const double by_angle = dot(by_normal[i], quarter_turn(chord.normal));
            const Point by_way = (by_angle / chord.length) * chord.normal;
            by_vertex[chord.to] += by_way;
            by_vertex[chord.from] += -1 * by_way;
        }
    }
};
template <typename Next>
OutlineDerivatives(const Stroker&, Next, Point*, double, std::vector<Point>) -> OutlineDerivatives<Next>;

}  // namespace neuralpaint::cpu
