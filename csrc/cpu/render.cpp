// Canvases are cut into tiles; each tile holds its pixels in L1, paints the strokes that touch it, and belongs to one
// thread, so the result does not depend on how many threads there are. Backward keeps, for every run of visible pixels,
// the canvas under the stroke; gradients of a stroke are summed tile by tile in a fixed order.
#include "cpu/render.h"

#include <atomic>
#include <cstring>
#include <vector>

#include "cpu/parallel.h"
#include "cpu/pixels.h"

namespace neuralpaint::cpu {
namespace {

constexpr int kTile = 32;

template <typename Stroke>
struct Scene {
    using T = typename Stroke::Scalar;
    const RenderShape<T>& shape;
    int tiles_x, tiles_y;
    std::vector<Stroke> strokes;   // [batch * strokes]
    std::vector<int64_t> start;    // [batch * tiles + 1]: where a tile's entries begin
    std::vector<int32_t> entries;  // stroke numbers, in painting order within a tile

    int64_t tiles() const { return shape.batch * tiles_x * tiles_y; }
    View<T> view(int64_t b) const {
        return make_view(shape.scale, shape.origin[2 * b], shape.origin[2 * b + 1], shape.softness);
    }

    Scene(const T* params, const TextureAtlas& atlas, const RenderShape<T>& s)
        : shape(s), tiles_x((s.width + kTile - 1) / kTile), tiles_y((s.height + kTile - 1) / kTile) {
        const int64_t total = s.batch * s.strokes, per_canvas = int64_t(tiles_x) * tiles_y;
        strokes.resize(total);
        std::vector<int32_t> range(4 * total);
        parallel_for(0, total, 64, [&](int64_t begin, int64_t end) {
            for (int64_t n = begin; n < end; ++n) {
                setup_stroke(strokes[n], params + n * Stroke::kParameters, view(n / s.strokes), atlas);
                const Bounds<T> box = strokes[n].bounds();
                int x0, x1, y0, y1;
                pixel_range(box.x0, box.x1, 0, s.width, x0, x1);
                pixel_range(box.y0, box.y1, 0, s.height, y0, y1);
                const bool hit = x1 > x0 && y1 > y0;
                range[4 * n] = x0 / kTile;
                range[4 * n + 1] = hit ? (x1 + kTile - 1) / kTile : x0 / kTile;
                range[4 * n + 2] = y0 / kTile;
                range[4 * n + 3] = hit ? (y1 + kTile - 1) / kTile : y0 / kTile;
            }
        });
        start.assign(tiles() + 1, 0);
        const auto for_tiles = [&](auto&& f) {
            for (int64_t n = 0; n < total; ++n) {
                const int32_t* r = &range[4 * n];
                for (int ty = r[2]; ty < r[3]; ++ty) {
                    for (int tx = r[0]; tx < r[1]; ++tx) f(n / s.strokes * per_canvas + ty * tiles_x + tx, n);
                }
            }
        };
        for_tiles([&](int64_t tile, int64_t) { ++start[tile + 1]; });
        for (int64_t i = 0; i < tiles(); ++i) start[i + 1] += start[i];
        entries.resize(start.back());
        std::vector<int64_t> next(start.begin(), start.end() - 1);
        for_tiles([&](int64_t tile, int64_t n) { entries[next[tile]++] = static_cast<int32_t>(n); });
    }

    // Calls work(tile) for every tile, whichever thread is free taking the next.
    template <typename F>
    void for_each_tile(F&& work) const {
        std::atomic<int64_t> next{0};
        const int64_t count = tiles();
        parallel_for(0, std::min<int64_t>(count, thread_count()), 1, [&](int64_t begin, int64_t end) {
            auto state = work();
            for (int64_t worker = begin; worker < end; ++worker) {
                for (int64_t tile = next++; tile < count; tile = next++) state(tile);
            }
        });
    }
};

// Where a tile lies and the planar copy of its pixels (RGB, kTile x kTile, zeros outside the canvas).
template <typename T>
struct Tile {
    int64_t batch;
    int x0, y0, width, height;
    alignas(64) T pixels[3][kTile * kTile];

    template <typename Stroke>
    void place(const Scene<Stroke>& scene, int64_t tile) {
        const int64_t per_canvas = int64_t(scene.tiles_x) * scene.tiles_y;
        batch = tile / per_canvas;
        x0 = static_cast<int>(tile % scene.tiles_x) * kTile;
        y0 = static_cast<int>(tile % per_canvas / scene.tiles_x) * kTile;
        width = std::min(kTile, scene.shape.width - x0);
        height = std::min(kTile, scene.shape.height - y0);
    }
    // Walks the rows that the tile shares with `image` [batch, 3, H, W].
    template <typename Image, typename F>
    void rows(Image* image, int H, int W, F&& f) {
        for (int c = 0; c < 3; ++c) {
            for (int y = 0; y < height; ++y) {
                f(image + ((batch * 3 + c) * H + y0 + y) * int64_t(W) + x0, pixels[c] + y * kTile);
            }
        }
    }
    void read(const T* image, int H, int W) {
        if (width < kTile || height < kTile) std::memset(pixels, 0, sizeof(pixels));
        rows(image, H, W, [&](const T* from, T* to) { std::memcpy(to, from, width * sizeof(T)); });
    }
    void write(T* image, int H, int W) {
        rows(image, H, W, [&](T* to, const T* from) { std::memcpy(to, from, width * sizeof(T)); });
    }
};

// A run of pixels under a stroke: what the stroke says of them and, once composited, what lay under it.
template <typename Stroke, typename V>
struct Run {
    SampleOf<Stroke, V> sample;
    V under[3];
    int32_t x, y;
};

// The visible runs of one tile. Strokes are walked from the last to the first, and pixels that are fully covered by
// then are left out: under opaque paint most samples are never computed. Runs of the k-th stroke from the top are
// runs[first[k] .. first[k + 1]).
template <typename Stroke>
struct Visible {
    using T = typename Stroke::Scalar;
    using V = LanesOf<T>;
    static constexpr int L = kLanes<T>;
    std::vector<Run<Stroke, V>> runs;
    std::vector<size_t> first;
    alignas(64) T left[kTile * kTile];  // opaque covers still to come before a pixel is closed

    // `covers` is 1 for the picture. Backward takes 2: the derivative by the opacity of an opaque stroke needs what
    // lies under it, which ends at the next opaque one.
    void find(const Scene<Stroke>& scene, const Tile<T>& tile, int64_t begin, int64_t end, int covers) {
        runs.clear();
        first.assign(1, 0);
        int open = 0;  // packs of lanes that are not fully covered yet
        for (int y = 0; y < kTile; ++y) {
            for (int x = 0; x < kTile; ++x) left[y * kTile + x] = x < tile.width && y < tile.height ? T(covers) : T(0);
            open += y < tile.height ? (tile.width + L - 1) / L : 0;
        }
        for (int64_t e = end - 1; e >= begin && open > 0; --e) {
            const Stroke& stroke = scene.strokes[scene.entries[e]];
            const V opacity(stroke.paint.opacity);
            for_packs(stroke, {tile.x0, tile.y0, tile.width, tile.height}, [&](int x, int y, const auto& sample) {
                T* remaining = left + y * kTile + x;
                const V before = load<T, L>(remaining);
                if (!any(before > V(0))) return;
                const V xc = ramp<T, L>(T(tile.x0 + x) + T(0.5)), yc(T(tile.y0 + y) + T(0.5));
                Run<Stroke, V> run;
                run.sample = sample(xc, yc);
                if (!any(run.sample.coverage > V(0))) return;
                run.x = x;
                run.y = y;
                runs.push_back(run);
                const V after = before - select(run.sample.coverage * opacity >= V(1), V(1), V(0));
                store<T, L>(remaining, after);
                if (!any(after > V(0))) --open;
            });
            first.push_back(runs.size());
        }
    }

    // Paints the runs onto the tile in painting order, keeping what was under each.
    void paint(const Scene<Stroke>& scene, Tile<T>& tile, int64_t end) {
        for (int64_t k = static_cast<int64_t>(first.size()) - 2; k >= 0; --k) {
            const Stroke& stroke = scene.strokes[scene.entries[end - 1 - k]];
            const V opacity(stroke.paint.opacity);
            for (size_t i = first[k]; i < first[k + 1]; ++i) {
                Run<Stroke, V>& run = runs[i];
                const V alpha = run.sample.coverage * opacity;
                for (int c = 0; c < 3; ++c) {
                    T* p = tile.pixels[c] + run.y * kTile + run.x;
                    run.under[c] = load<T, L>(p);
                    store<T, L>(p, alpha * stroke.paint.color(c, run.sample) + (V(1) - alpha) * run.under[c]);
                }
            }
        }
    }
};

}  // namespace

template <typename T>
void render(const T* canvas, const T* strokes, int kind, const TextureAtlas& atlas, const RenderShape<T>& shape,
            T* out) {
    const int H = shape.height, W = shape.width;
    with_stroke<T>(kind, [&](auto tag) {
        using Stroke = typename decltype(tag)::type;
        const Scene<Stroke> scene(strokes, atlas, shape);
        scene.for_each_tile([&] {
            return [&, tile = Tile<T>(), visible = Visible<Stroke>()](int64_t number) mutable {
                const int64_t begin = scene.start[number], end = scene.start[number + 1];
                tile.place(scene, number);
                tile.read(canvas, H, W);
                visible.find(scene, tile, begin, end, 1);
                visible.paint(scene, tile, end);
                tile.write(out, H, W);
            };
        });
    });
}

// A tile's part of the chain rule: `tile` holds the derivatives by its pixels, and is left with those by the canvas
// under them; each stroke's sums go to its entry in `partial`.
template <typename Stroke, typename T>
void backward_tile(const Scene<Stroke>& scene, const Visible<Stroke>& visible, int64_t end, Tile<T>& tile, T* partial) {
    using V = LanesOf<T>;
    constexpr int L = kLanes<T>, kShapeSums = Stroke::kSums, kSums = kTotalSums<Stroke>;
    for (size_t k = 0; k + 1 < visible.first.size(); ++k) {
        const int64_t e = end - 1 - static_cast<int64_t>(k);
        const Stroke& stroke = scene.strokes[scene.entries[e]];
        const V opacity(stroke.paint.opacity);
        V sums[kSums];
        for (V& s : sums) s = V(0);
        for (size_t i = visible.first[k]; i < visible.first[k + 1]; ++i) {
            const Run<Stroke, V>& run = visible.runs[i];
            const auto& s = run.sample;
            const V alpha = s.coverage * opacity;
            V g_alpha(0), g_t(0), g_extra(0);
            for (int c = 0; c < 3; ++c) {
                T* p = tile.pixels[c] + run.y * kTile + run.x;
                const V g = load<T, L>(p);
                g_alpha += g * (stroke.paint.color(c, s) - run.under[c]);
                stroke.paint.color_grad(c, s, g * alpha, sums + kShapeSums, g_t, g_extra);
                store<T, L>(p, g * (V(1) - alpha));
            }
            sums[kSums - 1] += g_alpha * s.coverage;
            const V xc = ramp<T, L>(T(tile.x0 + run.x) + T(0.5)), yc(T(tile.y0 + run.y) + T(0.5));
            stroke.accumulate(xc, yc, s, g_alpha * opacity, g_t, g_extra, sums);
        }
        for (int i = 0; i < kSums; ++i) partial[e * kSums + i] = sum(sums[i]);
    }
}

// Adds up the tiles' sums of every stroke, in the order of the tiles, and turns them into derivatives.
template <typename Stroke, typename T>
void finish_strokes(const Scene<Stroke>& scene, const T* strokes, const std::vector<T>& partial, T* grad_strokes) {
    constexpr int kSums = kTotalSums<Stroke>;
    const int64_t count = scene.shape.batch * scene.shape.strokes;
    std::vector<T> total(count * kSums, T(0));
    for (size_t e = 0; e < scene.entries.size(); ++e) {
        T* t = &total[int64_t(scene.entries[e]) * kSums];
        for (int i = 0; i < kSums; ++i) t[i] += partial[e * kSums + i];
    }
    for (int64_t n = 0; n < count; ++n) {
        finish_stroke(scene.strokes[n], strokes + n * Stroke::kParameters, scene.view(n / scene.shape.strokes),
                      &total[n * kSums], grad_strokes + n * Stroke::kParameters);
    }
}

template <typename T>
void render_backward(const T* grad, const T* canvas, const T* strokes, int kind, const TextureAtlas& atlas,
                     const RenderShape<T>& shape, T* grad_canvas, T* grad_strokes) {
    const int H = shape.height, W = shape.width;
    with_stroke<T>(kind, [&](auto tag) {
        using Stroke = typename decltype(tag)::type;
        const Scene<Stroke> scene(strokes, atlas, shape);
        std::vector<T> partial(scene.entries.size() * kTotalSums<Stroke>, T(0));
        scene.for_each_tile([&] {
            return [&, tile = Tile<T>(), visible = Visible<Stroke>()](int64_t number) mutable {
                const int64_t begin = scene.start[number], end = scene.start[number + 1];
                tile.place(scene, number);
                tile.read(canvas, H, W);
                visible.find(scene, tile, begin, end, 2);
                visible.paint(scene, tile, end);
                tile.read(grad, H, W);
                backward_tile(scene, visible, end, tile, partial.data());
                tile.write(grad_canvas, H, W);
            };
        });
        finish_strokes(scene, strokes, partial, grad_strokes);
    });
}

template <typename T>
void render_loss(const Comparison<T>& comparison, const T* canvas, const T* strokes, int kind,
                 const TextureAtlas& atlas, const RenderShape<T>& shape, T* losses, T* grad_strokes) {
    const T l1 = comparison.l1, l2 = comparison.l2;
    const int H = shape.height, W = shape.width;
    with_stroke<T>(kind, [&](auto tag) {
        using Stroke = typename decltype(tag)::type;
        const Scene<Stroke> scene(strokes, atlas, shape);
        std::vector<T> partial(scene.entries.size() * kTotalSums<Stroke>, T(0));
        std::vector<T> sums(2 * scene.tiles());
        scene.for_each_tile([&] {
            return [&, tile = Tile<T>(), wanted = Tile<T>(), visible = Visible<Stroke>()](int64_t number) mutable {
                const int64_t begin = scene.start[number], end = scene.start[number + 1];
                tile.place(scene, number);
                tile.read(canvas, H, W);
                visible.find(scene, tile, begin, end, 2);
                visible.paint(scene, tile, end);
                wanted.place(scene, number);
                wanted.read(comparison.target, H, W);
                const T* const weight = comparison.weight == nullptr
                                            ? nullptr
                                            : comparison.weight + (tile.batch * H + tile.y0) * int64_t(W) + tile.x0;
                T absolute(0), square(0);
                for (int c = 0; c < 3; ++c) {
                    for (int y = 0; y < kTile; ++y) {
                        T* p = tile.pixels[c] + y * kTile;
                        const T* q = wanted.pixels[c] + y * kTile;
                        const int inside = y < tile.height ? tile.width : 0;
                        if (weight == nullptr) {
                            for (int x = 0; x < inside; ++x) {
                                const T d = p[x] - q[x];
                                absolute += vabs(d);
                                square += d * d;
                                p[x] = T(2) * l2 * d + l1 * sign(d);
                            }
                        } else {
                            for (int x = 0; x < inside; ++x) {
                                const T d = p[x] - q[x], w = weight[y * int64_t(W) + x];
                                absolute += w * vabs(d);
                                square += w * d * d;
                                p[x] = w * (T(2) * l2 * d + l1 * sign(d));
                            }
                        }
                        for (int x = inside; x < kTile; ++x) p[x] = T(0);
                    }
                }
                sums[2 * number] = absolute;
                sums[2 * number + 1] = square;
                backward_tile(scene, visible, end, tile, partial.data());
            };
        });
        const int64_t per_canvas = int64_t(scene.tiles_x) * scene.tiles_y;
        std::fill(losses, losses + 2 * shape.batch, T(0));
        for (int64_t i = 0; i < scene.tiles(); ++i) {
            losses[i / per_canvas * 2] += sums[2 * i];
            losses[i / per_canvas * 2 + 1] += sums[2 * i + 1];
        }
        finish_strokes(scene, strokes, partial, grad_strokes);
    });
}

#define NP_INSTANTIATE(T)                                                                                           \
    template void render<T>(const T*, const T*, int, const TextureAtlas&, const RenderShape<T>&, T*);               \
    template void render_backward<T>(const T*, const T*, const T*, int, const TextureAtlas&, const RenderShape<T>&, \
                                     T*, T*);                                                                       \
    template void render_loss<T>(const Comparison<T>&, const T*, const T*, int, const TextureAtlas&,                \
                                 const RenderShape<T>&, T*, T*);
NP_INSTANTIATE(float)
NP_INSTANTIATE(double)
#undef NP_INSTANTIATE

}  // namespace neuralpaint::cpu
