// Canvases are cut into tiles; each tile holds its pixels in L1, walks the strokes that touch it in order, and belongs to
// one thread, so the result does not depend on how many threads there are. Backward keeps, for every run of covered
// pixels, the canvas under the stroke; gradients of a stroke are summed tile by tile in a fixed order.
#include "cpu/render.h"

#include <ATen/Parallel.h>

#include <atomic>
#include <cstring>
#include <vector>

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
        return {shape.scale, shape.origin[2 * b], shape.origin[2 * b + 1], shape.softness};
    }

    Scene(const T* params, const TextureAtlas& atlas, const RenderShape<T>& s)
        : shape(s), tiles_x((s.width + kTile - 1) / kTile), tiles_y((s.height + kTile - 1) / kTile) {
        const int64_t total = s.batch * s.strokes, per_canvas = int64_t(tiles_x) * tiles_y;
        strokes.resize(total);
        std::vector<int32_t> range(4 * total);
        at::parallel_for(0, total, 64, [&](int64_t begin, int64_t end) {
            for (int64_t n = begin; n < end; ++n) {
                strokes[n].setup(params + n * Stroke::kParameters, view(n / s.strokes), atlas);
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
        at::parallel_for(0, std::min<int64_t>(count, at::get_num_threads()), 1, [&](int64_t begin, int64_t end) {
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

// Calls f(x, y) at the first pixel (tile coordinates) of every pack of lanes that the stroke may cover.
template <typename Stroke, typename T, typename F>
inline void for_packs(const Stroke& stroke, const Tile<T>& tile, F&& f) {
    constexpr int L = kLanes<T>;
    const Bounds<T> box = stroke.bounds();
    int top, bottom;
    pixel_range(box.y0 - T(tile.y0), box.y1 - T(tile.y0), 0, tile.height, top, bottom);
    for (int y = top; y < bottom; ++y) {
        T a, b;
        stroke.row_span(T(tile.y0 + y) + T(0.5), a, b);
        int left, right;
        pixel_range(a - T(tile.x0), b - T(tile.x0), 0, tile.width, left, right);
        for (int x = left / L * L; x < right; x += L) f(x, y);
    }
}

template <typename V>
struct Stashed {
    Sample<V> sample;
    V under[3];
    int32_t x, y;
};

}  // namespace

template <typename T>
void render(const T* canvas, const T* strokes, int kind, const TextureAtlas& atlas, const RenderShape<T>& shape,
            T* out) {
    using V = LanesOf<T>;
    constexpr int L = kLanes<T>;
    const int H = shape.height, W = shape.width;
    with_stroke<T>(kind, [&](auto tag) {
        using Stroke = typename decltype(tag)::type;
        const Scene<Stroke> scene(strokes, atlas, shape);
        scene.for_each_tile([&] {
            return [&, tile = Tile<T>()](int64_t number) mutable {
                tile.place(scene, number);
                tile.read(canvas, H, W);
                for (int64_t e = scene.start[number]; e < scene.start[number + 1]; ++e) {
                    const Stroke& stroke = scene.strokes[scene.entries[e]];
                    const V opacity(stroke.paint.opacity);
                    for_packs(stroke, tile, [&](int x, int y) {
                        const V xc = ramp<T, L>(T(tile.x0 + x) + T(0.5)), yc(T(tile.y0 + y) + T(0.5));
                        const Sample<V> s = stroke.sample(xc, yc);
                        const V alpha = s.coverage * opacity;
                        for (int c = 0; c < 3; ++c) {
                            T* p = tile.pixels[c] + y * kTile + x;
                            const V under = load<T, L>(p);
                            store<T, L>(p, alpha * stroke.paint.color(c, s) + (V(1) - alpha) * under);
                        }
                    });
                }
                tile.write(out, H, W);
            };
        });
    });
}

template <typename T>
void render_backward(const T* grad, const T* canvas, const T* strokes, int kind, const TextureAtlas& atlas,
                     const RenderShape<T>& shape, T* grad_canvas, T* grad_strokes) {
    using V = LanesOf<T>;
    constexpr int L = kLanes<T>;
    const int H = shape.height, W = shape.width;
    with_stroke<T>(kind, [&](auto tag) {
        using Stroke = typename decltype(tag)::type;
        constexpr int kShapeSums = Stroke::kSums, kSums = kTotalSums<Stroke>;
        const Scene<Stroke> scene(strokes, atlas, shape);
        std::vector<T> partial(scene.entries.size() * kSums);
        scene.for_each_tile([&] {
            return [&, tile = Tile<T>(), stash = std::vector<Stashed<V>>(), first = std::vector<size_t>()](
                       int64_t number) mutable {
                const int64_t begin = scene.start[number], end = scene.start[number + 1];
                tile.place(scene, number);
                tile.read(canvas, H, W);
                stash.clear();
                first.clear();
                for (int64_t e = begin; e < end; ++e) {
                    const Stroke& stroke = scene.strokes[scene.entries[e]];
                    const V opacity(stroke.paint.opacity);
                    first.push_back(stash.size());
                    for_packs(stroke, tile, [&](int x, int y) {
                        const V xc = ramp<T, L>(T(tile.x0 + x) + T(0.5)), yc(T(tile.y0 + y) + T(0.5));
                        Stashed<V> kept;
                        kept.sample = stroke.sample(xc, yc);
                        if (!any(kept.sample.coverage > V(0))) return;
                        kept.x = x;
                        kept.y = y;
                        const V alpha = kept.sample.coverage * opacity;
                        for (int c = 0; c < 3; ++c) {
                            T* p = tile.pixels[c] + y * kTile + x;
                            kept.under[c] = load<T, L>(p);
                            store<T, L>(p, alpha * stroke.paint.color(c, kept.sample) +
                                               (V(1) - alpha) * kept.under[c]);
                        }
                        stash.push_back(kept);
                    });
                }
                first.push_back(stash.size());
                tile.read(grad, H, W);
                for (int64_t e = end - 1; e >= begin; --e) {
                    const Stroke& stroke = scene.strokes[scene.entries[e]];
                    const V opacity(stroke.paint.opacity);
                    V sums[kSums];
                    for (V& s : sums) s = V(0);
                    for (size_t i = first[e - begin]; i < first[e - begin + 1]; ++i) {
                        const Stashed<V>& kept = stash[i];
                        const Sample<V>& s = kept.sample;
                        const V alpha = s.coverage * opacity;
                        V g_alpha(0), g_t(0), g_extra(0);
                        for (int c = 0; c < 3; ++c) {
                            T* p = tile.pixels[c] + kept.y * kTile + kept.x;
                            const V g = load<T, L>(p);
                            g_alpha += g * (stroke.paint.color(c, s) - kept.under[c]);
                            stroke.paint.color_grad(c, s, g * alpha, sums + kShapeSums, g_t, g_extra);
                            store<T, L>(p, g * (V(1) - alpha));
                        }
                        sums[kSums - 1] += g_alpha * s.coverage;
                        const V xc = ramp<T, L>(T(tile.x0 + kept.x) + T(0.5)), yc(T(tile.y0 + kept.y) + T(0.5));
                        stroke.accumulate(xc, yc, s, g_alpha * opacity, g_t, g_extra, sums);
                    }
                    for (int i = 0; i < kSums; ++i) partial[e * kSums + i] = sum(sums[i]);
                }
                tile.write(grad_canvas, H, W);
            };
        });
        std::vector<T> total(shape.batch * shape.strokes * kSums, T(0));
        for (size_t e = 0; e < scene.entries.size(); ++e) {
            T* t = &total[int64_t(scene.entries[e]) * kSums];
            for (int i = 0; i < kSums; ++i) t[i] += partial[e * kSums + i];
        }
        for (int64_t n = 0; n < shape.batch * shape.strokes; ++n) {
            finish_stroke(scene.strokes[n], strokes + n * Stroke::kParameters, scene.view(n / shape.strokes),
                          &total[n * kSums], grad_strokes + n * Stroke::kParameters);
        }
    });
}

#define NP_INSTANTIATE(T)                                                                                            \
    template void render<T>(const T*, const T*, int, const TextureAtlas&, const RenderShape<T>&, T*);                \
    template void render_backward<T>(const T*, const T*, const T*, int, const TextureAtlas&, const RenderShape<T>&, \
                                     T*, T*);
NP_INSTANTIATE(float)
NP_INSTANTIATE(double)
#undef NP_INSTANTIATE

}  // namespace neuralpaint::cpu
