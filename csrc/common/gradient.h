// Linear and radial gradients, as SVG defines them: the colour at a point, and what its derivative comes to.
#pragma once

#include <cmath>
#include <cstdint>

#include "common/macros.h"

namespace neuralpaint {

enum class GradientKind : int64_t { kLinear = 0, kRadial = 1 };
enum class Spread : int64_t { kPad = 0, kReflect = 1, kRepeat = 2 };

constexpr int kMapNumbers = 8;   // of a gradient: an affine map [2, 3] and the focus (x, y)
constexpr int kStopNumbers = 5;  // offset, RGB and opacity

// The map takes pixels to (u, v). A linear gradient's parameter is u; a radial one's is how far (u, v) is on the way
// from the focus to the unit circle. Stops whose offsets fall are taken to be where those before them are.
template <typename T>
struct Gradient {
    GradientKind kind;
    Spread spread;
    int64_t count;   // of stops, at least 1
    const T* stops;  // [count, 5]
    const T* map;    // [8]
};

struct GradientColor {
    double rgba[4];
    int32_t stop;         // the stop before, or the one that alone counts
    bool between;         // whether the next one has a share too
    double share, steep;  // of the next, and its derivative by the parameter
    int32_t low, high;    // the stops whose offsets are the ends
    double by_u, by_v, by_focus_x, by_focus_y;
};

NP_HD double bounded(double x) {
    constexpr double kMost = 1e9;
    if (!(x >= -kMost)) return -kMost;
    return x <= kMost ? x : kMost;
}

// The parameter, before it is repeated, and its derivatives.
template <typename T>
NP_HD double gradient_parameter(const Gradient<T>& gradient, double x, double y, GradientColor& at) {
    const T* m = gradient.map;
    const double u = bounded(double(m[0]) * x + double(m[1]) * y + double(m[2]));
    at.by_u = 1, at.by_v = 0, at.by_focus_x = 0, at.by_focus_y = 0;
    if (gradient.kind == GradientKind::kLinear) return u;
    const double v = bounded(double(m[3]) * x + double(m[4]) * y + double(m[5]));
    const double fx = bounded(double(m[6])), fy = bounded(double(m[7])), dx = u - fx, dy = v - fy;
    constexpr double kLeast = 1e-4;  // a focus on the circle or outside of it would leave points without a colour
    const double within = 1 - (fx * fx + fy * fy), room = within > kLeast ? within : kLeast;
    const double along = fx * dx + fy * dy, root = std::sqrt(along * along + room * (dx * dx + dy * dy));
    const double t = (along + root) / room;
    if (!(root > 0)) {
        at.by_u = 0;
        return t;
    }
    at.by_u = (fx * t + dx) / root, at.by_v = (fy * t + dy) / root;
    const double moved = within > kLeast ? t : 0;  // the room's part
    at.by_focus_x = t * (fx * moved + dx) / root - at.by_u;
    at.by_focus_y = t * (fy * moved + dy) / root - at.by_v;
    return t;
}

// The colour at (x, y), in pixels.
template <typename T>
NP_HD GradientColor gradient_color(const Gradient<T>& gradient, double x, double y) {
    GradientColor at;
    double t = gradient_parameter(gradient, x, y, at), turn = 1;
    if (gradient.spread == Spread::kRepeat) t -= std::floor(t);
    if (gradient.spread == Spread::kReflect) {
        t -= 2 * std::floor(0.5 * t);
        if (t > 1) t = 2 - t, turn = -1;
    }
    at.by_u *= turn, at.by_v *= turn, at.by_focus_x *= turn, at.by_focus_y *= turn;
    at.between = false, at.stop = static_cast<int32_t>(gradient.count) - 1, at.share = 0, at.steep = 0, at.low = 0,
    at.high = 0;
    double before = 0;
    for (int32_t k = 0; k < gradient.count; ++k) {
        const double offset = gradient.stops[kStopNumbers * k];
        const bool later = k == 0 || offset > before;
        const double next = later ? offset : before;
        at.low = at.high;
        if (later) at.high = k;
        if (t < next) {
            at.stop = k > 0 ? k - 1 : 0, at.between = k > 0;
            if (k > 0) at.steep = 1 / (next - before), at.share = (t - before) * at.steep;
            break;
        }
        before = next;
    }
    const T* stop = gradient.stops + kStopNumbers * at.stop;
    for (int c = 0; c < 4; ++c) {
        const double own = stop[1 + c];
        at.rgba[c] = at.between ? own + at.share * (double(stop[kStopNumbers + 1 + c]) - own) : own;
    }
    return at;
}

// The derivative by the parameter, given those by the colour.
template <typename T, typename B>
NP_HD double gradient_by_parameter(const Gradient<T>& gradient, const GradientColor& at, const B by_rgba[4]) {
    if (!at.between) return 0;
    const T* stop = gradient.stops + kStopNumbers * at.stop + 1;
    double by_share = 0;
    for (int c = 0; c < 4; ++c) by_share += double(by_rgba[c]) * (double(stop[kStopNumbers + c]) - double(stop[c]));
    return by_share * at.steep;
}

// Adds the derivatives by the map [8].
NP_HD void add_by_map(const GradientColor& at, double x, double y, double by_t, double* by_map) {
    const double by_u = by_t * at.by_u, by_v = by_t * at.by_v;
    by_map[0] += by_u * x, by_map[1] += by_u * y, by_map[2] += by_u;
    by_map[3] += by_v * x, by_map[4] += by_v * y, by_map[5] += by_v;
    by_map[6] += by_t * at.by_focus_x, by_map[7] += by_t * at.by_focus_y;
}

// Whether stop k has any.
NP_HD bool touches_stop(const GradientColor& at, int32_t k) {
    return k == at.stop || (at.between && (k == at.stop + 1 || k == at.low || k == at.high));
}

// Adds the derivatives by stop k, [5].
template <typename B>
NP_HD void add_by_stop(const GradientColor& at, int32_t k, double by_t, const B by_rgba[4], double* by_stop) {
    const double part = k == at.stop ? 1 - at.share : at.between && k == at.stop + 1 ? at.share : 0;
    for (int c = 0; c < 4; ++c) by_stop[1 + c] += part * double(by_rgba[c]);
    if (at.between && k == at.low) by_stop[0] += (at.share - 1) * by_t;
    if (at.between && k == at.high) by_stop[0] -= at.share * by_t;
}

// Adds the derivatives by the map [8] and the stops [count, 5], given those by the colour at (x, y).
template <typename T>
NP_HD void accumulate_gradient(const Gradient<T>& gradient, const GradientColor& at, double x, double y,
                               const double by_rgba[4], double* by_map, double* by_stops) {
    const double by_t = gradient_by_parameter(gradient, at, by_rgba);
    if (by_t != 0) add_by_map(at, x, y, by_t, by_map);
    const int32_t stops[4] = {at.stop, at.stop + 1, at.low, at.high};
    for (int i = 0; i < (at.between ? 4 : 1); ++i) {
        bool again = false;
        for (int j = 0; j < i; ++j) again |= stops[j] == stops[i];
        if (!again) add_by_stop(at, stops[i], by_t, by_rgba, by_stops + kStopNumbers * stops[i]);
    }
}

}  // namespace neuralpaint
