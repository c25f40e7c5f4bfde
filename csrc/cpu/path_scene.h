// The outlines of a picture's paths, and which of their edges each band of rows meets.
#pragma once

#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "common/lanes.h"
#include "common/path_coverage.h"
#include "common/path_outline.h"
#include "cpu/parallel.h"
#include "cpu/paths.h"

namespace neuralpaint::cpu {

// Rows that go through the kernel together, a row a lane: a running sum along x is then a sum of vectors.
template <typename T>
constexpr int kBandRows = kLanes<T>;

template <typename T>
using Rows = Lanes<T, kBandRows<T>>;

constexpr int64_t kGroup = 64;  // paths whose outlines one thread makes

struct Edge {
    int32_t from, to;
};

// The fill or the stroke of a path.
struct Layer {
    int64_t path;
    bool stroke;
    FillRule rule;
    double orientation;         // 1 or -1: the sign of its area
    int32_t edges, edges_end;   // of the group
    int32_t band, bands;        // first, and how many
    int32_t pair;               // that of the first band
    int64_t gradient;           // -1: none
    int64_t shade, shade_size;  // where its gradient's derivatives are, band by band, and how many each has
};

// A layer in a band: its edges there, and the columns that it can cover.
struct Pair {
    int32_t entries, entries_end, left, right;
};

// A chain of segments: where its vertices are in its group.
struct Contour {
    int64_t path;
    int32_t first, count;
    bool closed;
};

// The paths of a group, one after the other.
struct Group {
    int64_t first_path, first_segment, first_contour;
    std::vector<Contour> contours;
    std::vector<Point> vertices;  // of the curves
    std::vector<char> inner;      // vertices within a segment
    std::vector<Point> points;    // of the layers' outlines; the fills' are copies of the curves' vertices
    std::vector<Edge> edges;
    std::vector<Layer> layers;
    std::vector<Pair> pairs;
    std::vector<int32_t> entries;  // an edge each
    int32_t first_band = INT32_MAX, last_band = -1;
    int64_t shades = 0;  // derivatives of gradients
};

// Calls segment(s, points, first, lines) for the segments of a group: vertices first ... first + lines are those of s.
// Calls contour(contour) after those of each contour.
template <typename T, typename OnSegment, typename OnContour>
void walk_segments(const PathValues<T>& values, const PathShape& shape, const Group& group, OnSegment&& on_segment,
                   OnContour&& on_contour) {
    int64_t s = group.first_segment;
    int32_t vertex = 0;
    for (int64_t c = group.first_contour; c < shape.contours; ++c) {
        const int64_t path = shape.layout[3 * c], segments = shape.layout[3 * c + 1];
        if (path >= group.first_path + kGroup) break;
        const double radius = values.width ? radius_of(values.width[path]) : 0;
        const double reach = radius * std::max(1.5, shape.miter_limits[path]);
        const int32_t first = vertex;
        for (int64_t end = s + segments; s < end; ++s) {
            Point p[4];
            for (int k = 0; k < 4; ++k) {
                p[k] = {within_reach(values.points[8 * s + 2 * k]), within_reach(values.points[8 * s + 2 * k + 1])};
            }
            const int lines = line_count(p, radius, reach, shape.height, shape.width);
            on_segment(s, p, vertex, lines);
            vertex += lines + 1;
        }
        on_contour(Contour{path, first, vertex - first, shape.layout[3 * c + 2] != 0});
    }
}

// Calls f(path, begin, end) for each path of a group, which has the contours from begin to end.
template <typename F>
void for_paths(const Group& group, F&& f) {
    const std::vector<Contour>& contours = group.contours;
    for (size_t begin = 0, end = 0; begin < contours.size(); begin = end) {
        while (end < contours.size() && contours[end].path == contours[begin].path) ++end;
        f(contours[begin].path, begin, end);
    }
}

// What a Stroker works in.
struct StrokeRoom {
    std::vector<int> kept;
    std::vector<Stroker::Chord> chords;
};

template <typename T>
Stroker stroke_of(StrokeRoom& room, const PathValues<T>& values, const PathShape& shape, const Group& group,
                  const Contour& contour) {
    const int64_t* style = shape.styles + kStyles * contour.path;
    if (static_cast<int>(room.kept.size()) < contour.count) {
        room.kept.resize(contour.count);
        room.chords.resize(contour.count);
    }
    Stroker stroker(room.kept.data(), room.chords.data());
    stroker.set(group.vertices.data() + contour.first, group.inner.data() + contour.first, contour.count,
                contour.closed, radius_of(values.width[contour.path]),
                {static_cast<Cap>(style[1]), static_cast<Join>(style[2]), shape.miter_limits[contour.path]});
    return stroker;
}

// Makes the outlines of a group.
template <typename T>
class OutlineMaker {
 public:
    // `items` counts what all groups hold.
    OutlineMaker(const PathValues<T>& values, const PathShape& shape, Group& group, std::atomic<int64_t>& items)
        : values_(values), shape_(shape), group_(group), items_(items) {}

    void make() {
        walk_segments(
            values_, shape_, group_, [&](int64_t, const Point p[4], int32_t, int lines) { add_segment(p, lines); },
            [&](const Contour& contour) { group_.contours.push_back(contour); });
        for_paths(group_, [&](int64_t path, size_t begin, size_t end) {
            if (values_.fill) {
                open_layer(path, false);
                for (size_t c = begin; c < end; ++c) {
                    const Point* vertices = group_.vertices.data() + group_.contours[c].first;
                    group_.points.insert(group_.points.end(), vertices, vertices + group_.contours[c].count);
                    close_contour();
                }
                close_layer();
            }
            if (values_.stroke) {
                open_layer(path, true);
                for (size_t c = begin; c < end; ++c) {
                    const Stroker stroker = stroke_of(room_, values_, shape_, group_, group_.contours[c]);
                    OutlinePoints to{stroker, [&](Point p) { group_.points.push_back(p); }, [&] { close_contour(); }};
                    stroker.outline(to);
                }
                close_layer();
            }
        });
    }

 private:
    void add_segment(const Point p[4], int lines) {
        for (int j = 0; j <= lines; ++j) {
            const Weights weights(j, lines);
            Point at{0, 0};
            for (int k = 0; k < 4; ++k) at += weights.w[k] * p[k];
            group_.vertices.push_back(at);
            group_.inner.push_back(j > 0 && j < lines);
        }
        count(lines + 1);
    }

    void count(int64_t items) {
        if (items_.fetch_add(items) + items > kMostItems) {
            throw std::runtime_error(
                "points must make fewer lines: the curves are too long or too many for one picture");
        }
    }

    void open_layer(int64_t path, bool stroke) {
        const auto rule = stroke ? FillRule::kNonZero : static_cast<FillRule>(shape_.styles[kStyles * path]);
        const auto edges = static_cast<int32_t>(group_.edges.size());
        const int64_t gradient = shape_.styles[kStyles * path + (stroke ? 4 : 3)];
        const int64_t stops = gradient < 0 ? 0 : shape_.gradient_styles[3 * gradient + 2];
        const int64_t size = gradient < 0 ? 0 : kMapNumbers + kStopNumbers * stops;
        group_.layers.push_back({path, stroke, rule, 1, edges, edges, 0, 0, 0, gradient, 0, size});
        area_ = 0;
        contour_ = static_cast<int32_t>(group_.points.size());
    }

    void close_contour() {
        const auto end = static_cast<int32_t>(group_.points.size());
        const Point* points = group_.points.data();
        for (int32_t i = contour_; i < end; ++i) {
            const int32_t next = i + 1 < end ? i + 1 : contour_;
            group_.edges.push_back({i, next});
            area_ += cross(points[i] - points[contour_], points[next] - points[contour_]);
        }
        count(end - contour_);
        contour_ = end;
    }

    // Sorts the layer's edges into bands.
    void close_layer() {
        Layer& layer = group_.layers.back();
        layer.edges_end = static_cast<int32_t>(group_.edges.size());
        layer.orientation = area_ > 0 ? -1 : 1;  // walking down, what lies to the right is covered
        layer.pair = static_cast<int32_t>(group_.pairs.size());
        int low = INT32_MAX, high = -1;
        bool seen = false;
        for (int32_t e = layer.edges; e < layer.edges_end; ++e) {
            int first, last;
            if (!bands_of(e, first, last)) continue;
            low = std::min(low, first), high = std::max(high, last);
            seen |= group_.points[group_.edges[e].from].x < shape_.width;
        }
        if (!seen) return;  // all to the right
        layer.band = low, layer.bands = high - low + 1;
        group_.first_band = std::min(group_.first_band, low), group_.last_band = std::max(group_.last_band, high);
        layer.shade = group_.shades;
        group_.shades += layer.shade_size * layer.bands;
        count(layer.bands * (1 + layer.shade_size));
        std::vector<Pair>& pairs = group_.pairs;
        pairs.resize(pairs.size() + layer.bands, {0, 0, INT32_MAX, -1});
        Pair* const own = pairs.data() + layer.pair - low;
        int64_t added = 0;
        for (int32_t e = layer.edges; e < layer.edges_end; ++e) {
            int first, last;
            if (!bands_of(e, first, last)) continue;
            for (int b = first; b <= last; ++b) ++own[b].entries_end;
            added += last - first + 1;
        }
        count(added);
        auto at = static_cast<int64_t>(group_.entries.size());
        for (int b = low; b <= high; ++b) {
            own[b].entries = static_cast<int32_t>(at);
            at += own[b].entries_end;
            own[b].entries_end = own[b].entries;
        }
        group_.entries.resize(at);
        for (int32_t e = layer.edges; e < layer.edges_end; ++e) {
            int first, last;
            if (!bands_of(e, first, last)) continue;
            for (int b = first; b <= last; ++b) {
                group_.entries[own[b].entries_end++] = e;
                widen(own[b], e, b);
            }
        }
    }

    static constexpr int R = kBandRows<T>;

    bool bands_of(int32_t e, int& first, int& last) const {
        const Point a = group_.points[group_.edges[e].from], b = group_.points[group_.edges[e].to];
        const double top = std::min(a.y, b.y), bottom = std::max(a.y, b.y);
        if (bottom < 0 || top >= shape_.height) return false;
        if (a.x == b.x && a.y == b.y) return false;
        first = static_cast<int>(std::max(top, 0.0)) / R;
        last = static_cast<int>(std::min(bottom, double(shape_.height - 1))) / R;
        return true;
    }

    // The columns that the part of an edge in band b can be in, with room for rounding.
    void widen(Pair& pair, int32_t e, int b) const {
        const Point p = group_.points[group_.edges[e].from], q = group_.points[group_.edges[e].to];
        double s = 0, t = 1;
        if (p.y != q.y) {
            const double u = (double(b) * R - p.y) / (q.y - p.y), v = (double(b + 1) * R - p.y) / (q.y - p.y);
            s = std::clamp(std::min(u, v), 0.0, 1.0), t = std::clamp(std::max(u, v), 0.0, 1.0);
        }
        const double x = p.x + s * (q.x - p.x), z = p.x + t * (q.x - p.x), most = shape_.width - 1;
        pair.left = std::min(pair.left, static_cast<int>(std::clamp(std::min(x, z) - 0.01, 0.0, most)));
        pair.right = std::max(pair.right, static_cast<int>(std::clamp(std::max(x, z) + 0.01, 0.0, most)));
    }

    const PathValues<T>& values_;
    const PathShape& shape_;
    Group& group_;
    std::atomic<int64_t>& items_;
    StrokeRoom room_;
    double area_ = 0;
    int32_t contour_ = 0;
};

// All groups of one picture.
template <typename T>
std::vector<Group> make_groups(const PathValues<T>& values, const PathShape& shape) {
    std::vector<Group> groups((shape.paths + kGroup - 1) / kGroup);
    int64_t contour = 0, segment = 0;
    for (size_t g = 0; g < groups.size(); ++g) {
        groups[g].first_path = static_cast<int64_t>(g) * kGroup;
        groups[g].first_contour = contour;
        groups[g].first_segment = segment;
        for (; contour < shape.contours && shape.layout[3 * contour] < groups[g].first_path + kGroup; ++contour) {
            segment += shape.layout[3 * contour + 1];
        }
    }
    std::atomic<int64_t> items{0};
    parallel_for(0, static_cast<int64_t>(groups.size()), 1, [&](int64_t begin, int64_t end) {
        for (int64_t g = begin; g < end; ++g) {
            OutlineMaker<T>(values, shape, groups[g], items).make();
        }
    });
    return groups;
}

}  // namespace neuralpaint::cpu
