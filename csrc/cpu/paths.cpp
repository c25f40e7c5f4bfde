#include "cpu/paths.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "cpu/path_scene.h"

namespace neuralpaint::cpu {
namespace {

// The colours of a column of pixels.
template <typename T>
struct Paint {
    Rows<T> color[3], opacity;
};

template <typename T>
std::vector<Gradient<T>> gradients_of(const PathValues<T>& values, const PathShape& shape) {
    std::vector<Gradient<T>> gradients;
    const T* stops = values.stops;
    for (int64_t g = 0; g < shape.gradients; ++g) {
        const int64_t* style = shape.gradient_styles + 3 * g;
        gradients.push_back({static_cast<GradientKind>(style[0]), static_cast<Spread>(style[1]), style[2], stops,
                             values.maps + kMapNumbers * g});
        stops += kStopNumbers * style[2];
    }
    return gradients;
}

template <typename T>
class Painter {
 public:
    static constexpr int R = kBandRows<T>;
    using V = Rows<T>;

    Painter(const PathValues<T>& values, const PathShape& shape, const std::vector<Group>& groups)
        : values_(values),
          shape_(shape),
          groups_(groups),
          gradients_(gradients_of(values, shape)),
          areas_(new T[(shape.width + 3) * R]()),
          picture_(new T[int64_t(3) * shape.width * R]) {}

    void forward(const T* canvas, int band, T* output) {
        load_rows(canvas, band, picture_.get());
        for_layers(band, [&](const Group& group, const Layer& layer, const Pair& pair) {
            draw(group, layer, pair, band, nullptr);
        });
        store_rows(picture_.get(), band, output);
    }

    // moments[group][2 entry]: sums of the derivative by coverage along each edge, alone and times the place on the
    // edge. sums[group][4 pair]: derivatives by the layer's colour and opacity. shades[group]: those by gradients.
    void backward(const T* grad, const T* canvas, int band, std::vector<std::vector<double>>& moments,
                  std::vector<std::vector<T>>& sums, std::vector<std::vector<double>>& shades, T* grad_canvas) {
        plan(band);
        const int64_t row = int64_t(3) * shape_.width * R;
        load_rows(canvas, band, picture_.get());
        grow(starts_, row * (portions_.size() - 1));
        for (size_t k = 0; k + 1 < portions_.size(); ++k) {
            std::copy_n(picture_.get(), row, starts_.data() + row * k);
            if (k + 2 == portions_.size()) break;  // the last portion is drawn below
            for (size_t i = portions_[k]; i < portions_[k + 1]; ++i) {
                draw(*visits_[i].group, *visits_[i].layer, *visits_[i].pair, band, nullptr);
            }
        }
        grow(flowing_, row);
        load_rows(grad, band, flowing_.data());
        for (size_t k = portions_.size() - 1; k-- > 0;) {
            std::copy_n(starts_.data() + row * k, row, picture_.get());
            int64_t at = 0;
            for (size_t i = portions_[k]; i < portions_[k + 1]; ++i) {
                draw(*visits_[i].group, *visits_[i].layer, *visits_[i].pair, band, kept_.data() + at);
                at += kept_size(*visits_[i].pair);
            }
            for (size_t i = portions_[k + 1]; i-- > portions_[k];) {
                const Visit& visit = visits_[i];
                at -= kept_size(*visit.pair);
                const size_t g = visit.group - groups_.data();
                differentiate(visit, band, kept_.data() + at, moments[g].data(),
                              sums[g].data() + 4 * (visit.pair - visit.group->pairs.data()), shades[g].data());
            }
        }
        store_rows(flowing_.data(), band, grad_canvas);
    }

 private:
    struct Visit {
        const Group* group;
        const Layer* layer;
        const Pair* pair;
    };

    static void grow(std::vector<T>& buffer, int64_t size) {
        if (static_cast<int64_t>(buffer.size()) < size) buffer.resize(size);
    }

    static int64_t kept_size(const Pair& pair) { return int64_t(4) * R * (pair.right - pair.left + 1); }

    Paint<T> paint_of(const Layer& layer) const {
        const T* rgba = (layer.stroke ? values_.stroke : values_.fill) + 4 * layer.path;
        return {{V(rgba[0]), V(rgba[1]), V(rgba[2])}, V(rgba[3])};
    }

    // The gradient's colours in column x, at the pixels' centres. The layer's opacity stays what it is.
    Paint<T> shades_of(const Layer& layer, int x, int band) const {
        T lanes[4][R];
        for (int r = 0; r < R; ++r) {
            const GradientColor at = gradient_color(gradients_[layer.gradient], x + 0.5, double(band) * R + r + 0.5);
            for (int c = 0; c < 4; ++c) lanes[c][r] = T(at.rgba[c]);
        }
        return {{load<T, R>(lanes[0]), load<T, R>(lanes[1]), load<T, R>(lanes[2])}, load<T, R>(lanes[3])};
    }

    template <typename F>
    void for_layers(int band, F&& f) const {
        for (const Group& group : groups_) {
            if (band < group.first_band || band > group.last_band) continue;
            for (const Layer& layer : group.layers) {
                const int at = band - layer.band;
                if (at < 0 || at >= layer.bands) continue;
                const Pair& pair = group.pairs[layer.pair + at];
                if (pair.entries < pair.entries_end) f(group, layer, pair);
            }
        }
    }

    // Portions of the layers whose coverage and canvases fit into a buffer. It is larger for very many, so that there
    // are not too many canvases at the start of portions either.
    void plan(int band) {
        visits_.clear();
        int64_t total = 0, largest = 0;
        for_layers(band, [&](const Group& group, const Layer& layer, const Pair& pair) {
            visits_.push_back({&group, &layer, &pair});
            total += kept_size(pair), largest = std::max(largest, kept_size(pair));
        });
        const double balanced = std::sqrt(double(total) * (3.0 * shape_.width * R));
        const int64_t most = std::max({largest, int64_t(1) << 20, static_cast<int64_t>(balanced)});
        portions_.assign(1, 0);
        int64_t size = 0;
        for (size_t i = 0; i < visits_.size(); ++i) {
            if (size + kept_size(*visits_[i].pair) > most) portions_.push_back(i), size = 0;
            size += kept_size(*visits_[i].pair);
        }
        portions_.push_back(visits_.size());
        grow(kept_, std::min(most, total));
    }

    // Draws a layer onto the picture. `kept`, if any, gets the signed areas and the colours below, a column at a time.
    void draw(const Group& group, const Layer& layer, const Pair& pair, int band, T* kept) {
        const double top = double(band) * R;
        T* const areas = areas_.get();
        for (int32_t i = pair.entries; i < pair.entries_end; ++i) {
            const Edge edge = group.edges[group.entries[i]];
            Point a = group.points[edge.from], b = group.points[edge.to];
            a.y -= top, b.y -= top;
            const double dx = b.x - a.x, dy = b.y - a.y;
            walk_line(a, b, R, shape_.width, [&](double s, double next, int column, int row) {
                const double height = (next - s) * dy, x = a.x + 0.5 * (s + next) * dx - column;
                T* const at = areas + int64_t(column + 1) * R + row;
                if (column < 0) {
                    at[0] += T(height);
                } else {
                    at[0] += T(height * (1 - x));
                    at[R] += T(height * x);
                }
            });
        }
        const Paint<T> solid = paint_of(layer);
        Paint<T> paint = solid;
        V area = pair.left == 0 ? load<T, R>(areas) : V(T(0));
        store(areas, V(T(0)));
        T* shown = picture_.get() + int64_t(3) * R * pair.left;
        for (int x = pair.left; x <= pair.right; ++x, shown += 3 * R) {
            T* const at = areas + int64_t(x + 1) * R;
            area += load<T, R>(at);
            store(at, V(T(0)));
            if (layer.gradient >= 0) {
                paint = shades_of(layer, x, band);
                paint.opacity = paint.opacity * solid.opacity;
            }
            const V alpha = paint.opacity * coverage_of(area, layer.rule), rest = T(1) - alpha;
            if (kept) store(kept, area);
            for (int c = 0; c < 3; ++c) {
                const V under = load<T, R>(shown + c * R);
                if (kept) store(kept + (c + 1) * R, under);
                store(shown + c * R, paint.color[c] * alpha + rest * under);
            }
            if (kept) kept += 4 * R;
        }
        store(areas + int64_t(pair.right + 2) * R, V(T(0)));
    }

    // `kept` is left with the derivatives by the signed areas.
    void differentiate(const Visit& visit, int band, T* kept, double* moments, T* sums, double* shades) {
        const Pair& pair = *visit.pair;
        const Layer& layer = *visit.layer;
        const Paint<T> solid = paint_of(layer);
        Paint<T> paint = solid;
        V shade(T(1));  // the stops' part of the opacity
        V by_color[3] = {V(T(0)), V(T(0)), V(T(0))}, by_opacity(T(0));
        T* flowing = flowing_.data() + int64_t(3) * R * pair.left;
        T* at = kept;
        for (int x = pair.left; x <= pair.right; ++x, flowing += 3 * R, at += 4 * R) {
            const V area = load<T, R>(at), covered = coverage_of(area, layer.rule);
            if (layer.gradient >= 0) {
                paint = shades_of(layer, x, band);
                shade = paint.opacity;
                paint.opacity = shade * solid.opacity;
            }
            const V alpha = paint.opacity * covered, rest = T(1) - alpha;
            V by_alpha(T(0)), by_shade[4];
            for (int c = 0; c < 3; ++c) {
                const V grad = load<T, R>(flowing + c * R);
                by_alpha += grad * (paint.color[c] - load<T, R>(at + (c + 1) * R));
                by_shade[c] = grad * alpha;
                by_color[c] += by_shade[c];
                store(flowing + c * R, grad * rest);
            }
            by_opacity += by_alpha * covered * shade;
            by_shade[3] = by_alpha * covered * solid.opacity;
            if (layer.gradient >= 0) {
                differentiate_shades(layer, x, band, by_shade,
                                     shades + layer.shade + layer.shade_size * (band - layer.band));
            }
            store(at, paint.opacity * by_alpha * coverage_slope(area, layer.rule, T(layer.orientation)));
        }
        for (int c = 0; c < 3; ++c) sums[c] = layer.gradient < 0 ? sum(by_color[c]) : T(0);
        sums[3] = sum(by_opacity);
        const double top = double(band) * R;
        for (int32_t i = pair.entries; i < pair.entries_end; ++i) {
            const Edge edge = visit.group->edges[visit.group->entries[i]];
            Point a = visit.group->points[edge.from], b = visit.group->points[edge.to];
            a.y -= top, b.y -= top;
            double whole = 0, first = 0;
            walk_line(a, b, R, shape_.width, [&](double s, double next, int column, int row) {
                if (column < pair.left || column > pair.right) return;
                const double part = (next - s) * kept[int64_t(4) * R * (column - pair.left) + row];
                whole += part, first += part * 0.5 * (s + next);
            });
            moments[2 * int64_t(i)] = whole, moments[2 * int64_t(i) + 1] = first;
        }
    }

    void differentiate_shades(const Layer& layer, int x, int band, const V by_shade[4], double* found) const {
        const Gradient<T>& gradient = gradients_[layer.gradient];
        for (int r = 0; r < R && band * R + r < shape_.height; ++r) {
            const double by_rgba[4] = {by_shade[0][r], by_shade[1][r], by_shade[2][r], by_shade[3][r]};
            if (by_rgba[0] == 0 && by_rgba[1] == 0 && by_rgba[2] == 0 && by_rgba[3] == 0) continue;
            const double column = x + 0.5, row = double(band) * R + r + 0.5;
            accumulate_gradient(gradient, gradient_color(gradient, column, row), column, row, by_rgba, found,
                                found + kMapNumbers);
        }
    }

    // Rows of planes [3, height, width] as columns of lanes [width, 3, R], and back, a few columns at a time so that
    // both sides stay in the cache. Rows below the picture are zero.
    void load_rows(const T* planes, int band, T* lanes) const {
        if (int64_t(band + 1) * R > shape_.height) std::fill_n(lanes, int64_t(3) * R * shape_.width, T(0));
        for_parts(band, [&](int64_t pixel, int64_t lane, int64_t count) {
            for (int64_t x = 0; x < count; ++x) lanes[lane + 3 * R * x] = planes[pixel + x];
        });
    }
    void store_rows(const T* lanes, int band, T* planes) const {
        for_parts(band, [&](int64_t pixel, int64_t lane, int64_t count) {
            for (int64_t x = 0; x < count; ++x) planes[pixel + x] = lanes[lane + 3 * R * x];
        });
    }
    template <typename F>
    void for_parts(int band, F&& f) const {
        constexpr int64_t kColumns = 32;
        const int64_t width = shape_.width, pixels = width * shape_.height, top = int64_t(band) * R;
        const int64_t rows = std::min<int64_t>(R, shape_.height - top);
        for (int64_t x = 0; x < width; x += kColumns) {
            for (int64_t c = 0; c < 3; ++c) {
                for (int64_t r = 0; r < rows; ++r) {
                    f(c * pixels + (top + r) * width + x, 3 * R * x + c * R + r, std::min(kColumns, width - x));
                }
            }
        }
    }

    const PathValues<T>& values_;
    const PathShape& shape_;
    const std::vector<Group>& groups_;
    const std::vector<Gradient<T>> gradients_;
    const std::unique_ptr<T[]> areas_, picture_;
    std::vector<Visit> visits_;
    std::vector<size_t> portions_;
    std::vector<T> starts_, kept_, flowing_;
};

template <typename T>
PathValues<T> of_picture(const PathValues<T>& values, const PathShape& shape, int64_t b) {
    return {values.points + 8 * shape.segments * b,
            values.fill ? values.fill + 4 * shape.paths * b : nullptr,
            values.stroke ? values.stroke + 4 * shape.paths * b : nullptr,
            values.stroke ? values.width + shape.paths * b : nullptr,
            shape.gradients ? values.stops + kStopNumbers * shape.stops * b : nullptr,
            shape.gradients ? values.maps + kMapNumbers * shape.gradients * b : nullptr};
}

template <typename T>
int band_count(const PathShape& shape) {
    return (shape.height + kBandRows<T> - 1) / kBandRows<T>;
}

// From the derivatives along edges to those by a group's arguments.
template <typename T>
void chain(const Group& group, const std::vector<double>& moments, const std::vector<T>& sums,
           const PathValues<T>& values, const PathShape& shape, const PathGradients<T>& grads) {
    std::vector<Point> by_point(group.points.size(), {0, 0}), by_vertex(group.vertices.size(), {0, 0});
    for (const Layer& layer : group.layers) {
        T* const by_paint = (layer.stroke ? grads.stroke : grads.fill) + 4 * layer.path;
        for (int32_t p = layer.pair; p < layer.pair + layer.bands; ++p) {
            for (int c = 0; c < 4; ++c) by_paint[c] += sums[4 * int64_t(p) + c];
            for (int32_t i = group.pairs[p].entries; i < group.pairs[p].entries_end; ++i) {
                const Edge edge = group.edges[group.entries[i]];
                const Point way = group.points[edge.to] - group.points[edge.from], across{-way.y, way.x};
                const double whole = moments[2 * int64_t(i)], later = moments[2 * int64_t(i) + 1];
                by_point[edge.from] += (whole - later) * across;
                by_point[edge.to] += later * across;
            }
        }
    }
    StrokeRoom room;
    std::vector<Point> by_normal;
    size_t next = 0;
    for_paths(group, [&](int64_t path, size_t begin, size_t end) {
        for (size_t c = begin; values.fill && c < end; ++c) {
            const Contour& contour = group.contours[c];
            for (int i = 0; i < contour.count; ++i) by_vertex[contour.first + i] += by_point[next++];
        }
        for (size_t c = begin; values.stroke && c < end; ++c) {
            const Stroker stroker = stroke_of(room, values, shape, group, group.contours[c]);
            by_normal.assign(stroker.chord_count(), {0, 0});
            OutlineDerivatives back{stroker, [&] { return by_point[next++]; },
                                    by_vertex.data() + group.contours[c].first, by_normal.data()};
            stroker.outline(back);
            back.finish();
            if (values.width[path] <= T(kFar)) grads.width[path] += T(0.5 * back.by_radius);
        }
    });
    walk_segments(
        values, shape, group,
        [&](int64_t s, const Point*, int32_t first, int lines) {
            Point by_control[4] = {{0, 0}, {0, 0}, {0, 0}, {0, 0}};
            for (int j = 0; j <= lines; ++j) {
                const Weights weights(j, lines);
                for (int k = 0; k < 4; ++k) by_control[k] += weights.w[k] * by_vertex[first + j];
            }
            for (int k = 0; k < 8; ++k) {
                const double there = values.points[8 * s + k];
                const bool moves = there >= -kFar && there <= kFar;
                grads.points[8 * s + k] = T(moves ? k % 2 ? by_control[k / 2].y : by_control[k / 2].x : 0);
            }
        },
        [](const Contour&) {});
}

// Derivatives by gradients, of which several layers may have the same one, added up in the layers' order.
template <typename T>
void chain_gradients(const std::vector<Group>& groups, const std::vector<std::vector<double>>& shades,
                     const PathShape& shape, T* by_stops, T* by_maps) {
    std::vector<int64_t> first(shape.gradients, 0);
    for (int64_t g = 1; g < shape.gradients; ++g) first[g] = first[g - 1] + shape.gradient_styles[3 * g - 1];
    std::vector<double> stops(kStopNumbers * shape.stops, 0.0), maps(kMapNumbers * shape.gradients, 0.0);
    for (size_t g = 0; g < groups.size(); ++g) {
        for (const Layer& layer : groups[g].layers) {
            if (layer.gradient < 0) continue;
            const double* found = shades[g].data() + layer.shade;
            for (int32_t b = 0; b < layer.bands; ++b) {
                for (int k = 0; k < kMapNumbers; ++k) maps[kMapNumbers * layer.gradient + k] += *found++;
                double* const own = stops.data() + kStopNumbers * first[layer.gradient];
                for (int64_t k = 0; k < layer.shade_size - kMapNumbers; ++k) own[k] += *found++;
            }
        }
    }
    for (size_t k = 0; k < stops.size(); ++k) by_stops[k] = T(stops[k]);
    for (size_t k = 0; k < maps.size(); ++k) by_maps[k] = T(maps[k]);
}

}  // namespace

template <typename T>
void render_paths(const T* canvas, const PathValues<T>& values, const PathShape& shape, T* output) {
    const int64_t plane = int64_t(3) * shape.height * shape.width;
    for (int64_t b = 0; b < shape.batch; ++b) {
        const PathValues<T> own = of_picture(values, shape, b);
        const std::vector<Group> groups = make_groups(own, shape);
        parallel_for(0, band_count<T>(shape), 1, [&](int64_t begin, int64_t end) {
            Painter<T> painter(own, shape, groups);
            for (int64_t band = begin; band < end; ++band) {
                painter.forward(canvas + b * plane, static_cast<int>(band), output + b * plane);
            }
        });
    }
}

template <typename T>
void render_paths_backward(const T* grad, const T* canvas, const PathValues<T>& values, const PathShape& shape,
                           T* grad_canvas, const PathGradients<T>& grads) {
    const int64_t plane = int64_t(3) * shape.height * shape.width;
    std::fill_n(grads.points, 8 * shape.segments * shape.batch, T(0));
    if (values.fill) std::fill_n(grads.fill, 4 * shape.paths * shape.batch, T(0));
    if (values.stroke) std::fill_n(grads.stroke, 4 * shape.paths * shape.batch, T(0));
    if (values.stroke) std::fill_n(grads.width, shape.paths * shape.batch, T(0));
    for (int64_t b = 0; b < shape.batch; ++b) {
        const PathValues<T> own = of_picture(values, shape, b);
        const PathGradients<T> by{grads.points + 8 * shape.segments * b,
                                  values.fill ? grads.fill + 4 * shape.paths * b : nullptr,
                                  values.stroke ? grads.stroke + 4 * shape.paths * b : nullptr,
                                  values.stroke ? grads.width + shape.paths * b : nullptr};
        const std::vector<Group> groups = make_groups(own, shape);
        std::vector<std::vector<double>> moments(groups.size());
        std::vector<std::vector<T>> sums(groups.size());
        std::vector<std::vector<double>> shades(groups.size());
        for (size_t g = 0; g < groups.size(); ++g) {
            moments[g].resize(2 * groups[g].entries.size());
            sums[g].resize(4 * groups[g].pairs.size());
            shades[g].resize(groups[g].shades);
        }
        parallel_for(0, band_count<T>(shape), 1, [&](int64_t begin, int64_t end) {
            Painter<T> painter(own, shape, groups);
            for (int64_t band = begin; band < end; ++band) {
                painter.backward(grad + b * plane, canvas + b * plane, static_cast<int>(band), moments, sums, shades,
                                 grad_canvas + b * plane);
            }
        });
        parallel_for(0, static_cast<int64_t>(groups.size()), 1, [&](int64_t begin, int64_t end) {
            for (int64_t g = begin; g < end; ++g) chain(groups[g], moments[g], sums[g], own, shape, by);
        });
        if (shape.gradients) {
            chain_gradients(groups, shades, shape, grads.stops + kStopNumbers * shape.stops * b,
                            grads.maps + kMapNumbers * shape.gradients * b);
        }
    }
}

template void render_paths<float>(const float*, const PathValues<float>&, const PathShape&, float*);
template void render_paths<double>(const double*, const PathValues<double>&, const PathShape&, double*);
template void render_paths_backward<float>(const float*, const float*, const PathValues<float>&, const PathShape&,
                                           float*, const PathGradients<float>&);
template void render_paths_backward<double>(const double*, const double*, const PathValues<double>&, const PathShape&,
                                            double*, const PathGradients<double>&);

}  // namespace neuralpaint::cpu
