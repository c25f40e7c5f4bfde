// A block takes one tile after the other from a queue. It draws the layers that may cover the tile once more, keeping
// of each its signed areas and the colours below, and goes back through them. What does not fit into its memory is
// drawn in portions, from canvases kept at their beginning.
//
// Sums over a layer's pixels, and those along its edges, are kept tile by tile in places of their own, and added up in
// order afterwards: the same arguments give the same bits.
#include <cmath>

#include "cuda/path_sums.cuh"

namespace neuralpaint::cuda {
namespace {

constexpr int64_t kBackwardBlocks = 640;                     // enough to fill a large device
constexpr int64_t kPortionBytes = int64_t(512) << 20;        // of all blocks together, unless one needs more
constexpr int64_t kPixels = static_cast<int64_t>(kThreads);  // of a tile

// A block's memory.
template <typename T>
struct Portions {
    int64_t size;   // layers that are kept at a time
    int32_t* list;  // [blocks, layers]
    T* kept;        // [blocks, size, 4, kPixels]: signed area, and the colour below
    T* starts;      // [blocks, portions, 3, kPixels]
    int* queue;
};

// --- tiles -----------------------------------------------------------------------------------------------------------

// Writes the sums over the block of `values` to `to`; `held` is shared. All threads must call it.
template <int N, typename T>
__device__ __forceinline__ void keep_block_sums(bool any, const T (&values)[N], double (*held)[kMapNumbers],
                                                double* to) {
    static_assert(N <= kMapNumbers, "held has no room");
    double numbers[N];
#pragma unroll
    for (int i = 0; i < N; ++i) numbers[i] = double(values[i]);
    keep_warp_sums(any, numbers, held[threadIdx.x / 32]);
    __syncthreads();
    if (threadIdx.x < N) {
        double sum = 0;
#pragma unroll
        for (int w = 0; w < kWarps; ++w) sum += held[w][threadIdx.x];
        to[threadIdx.x] = sum;
    }
    __syncthreads();
}

// The derivatives by a layer's gradient, given those by the colour and the opacity of its stops.
template <typename T>
__device__ __forceinline__ void keep_shades(const PathScene<T>& scene, const PathLayer& layer, const Pixel& pixel,
                                            const T (&by_shade)[4], double (*held)[kMapNumbers], double* to) {
    const Gradient<T> gradient = scene.gradient_of(pixel.canvas, layer.gradient);
    const double x = pixel.x + 0.5, y = pixel.y + 0.5;
    const bool counts = by_shade[0] != T(0) || by_shade[1] != T(0) || by_shade[2] != T(0) || by_shade[3] != T(0);
    const GradientColor at = gradient_color(gradient, x, y);
    const double by_t = counts ? gradient_by_parameter(gradient, at, by_shade) : 0;
    double by_map[kMapNumbers] = {0, 0, 0, 0, 0, 0, 0, 0};
    if (by_t != 0) add_by_map(at, x, y, by_t, by_map);
    keep_block_sums(by_t != 0, by_map, held, to);
    for (int32_t k = 0; k < gradient.count; ++k) {
        double by_stop[kStopNumbers] = {0, 0, 0, 0, 0};
        const bool touched = counts && touches_stop(at, k);
        if (touched) add_by_stop(at, k, by_t, by_shade, by_stop);
        keep_block_sums(touched, by_stop, held, to + kMapNumbers + kStopNumbers * k);
    }
}

// Along each of a layer's edges in the tile, the sum of `field`: the derivatives by the tile's signed areas.
template <typename T>
__device__ __forceinline__ void keep_moments(const PathScene<T>& scene, const PathSums& sums, const PathLayer& layer,
                                             const TilePlace& tile, const T* field) {
    const Point corner = tile.corner();
    for (int32_t edge = layer.begin + static_cast<int32_t>(threadIdx.x); edge < layer.end; edge += kThreads) {
        const Point a = scene.at[edge], b = scene.at[scene.next[edge]];
        int row, last, begin, end;
        tile_rows(a, b, scene.sizes.height, row, last);
        if (tile.row < row || tile.row >= last) continue;
        tile_columns(a, b, tile.row, scene.sizes.width, begin, end);
        if (tile.column < begin || tile.column >= end) continue;
        int64_t place = sums.first_moment[edge] + tile.column - begin;
        for (; row < tile.row; ++row) {
            tile_columns(a, b, row, scene.sizes.width, begin, end);
            place += end - begin;
        }
        Moment moment{0, 0};
        walk_line(a - corner, b - corner, kTile, kTile, [&](double s, double next, int column, int line) {
            if (column < 0) return;
            const double part = (next - s) * double(field[line * kTile + column]);
            moment.whole += part, moment.later += part * 0.5 * (s + next);
        });
        sums.moments[place] = moment;
    }
}

// Goes back through one layer: `flowing` is the derivative by the colour above it, and becomes that by the one below.
template <bool kShaded, typename T>
__device__ __forceinline__ void differentiate(const PathScene<T>& scene, const PathSums& sums, int64_t number,
                                              const TilePlace& tile, const Pixel& pixel, T area, const T (&under)[3],
                                              T (&flowing)[3], double (*held)[kMapNumbers], T* field) {
    const PathLayer layer = scene.layers[number];
    const PathPaint<T> paint = paint_of<kShaded>(scene, layer, pixel);
    const T covered = coverage_of(area, layer.rule), opacity = paint.own * paint.shade, alpha = opacity * covered;
    T by_alpha(0), by_shade[4], by_paint[4];
#pragma unroll
    for (int c = 0; c < 3; ++c) {
        by_alpha += flowing[c] * (paint.color[c] - under[c]);
        by_shade[c] = flowing[c] * alpha;
        by_paint[c] = layer.gradient < 0 ? by_shade[c] : T(0);
        flowing[c] *= T(1) - alpha;
    }
    by_shade[3] = by_alpha * covered * paint.own;
    by_paint[3] = by_alpha * covered * paint.shade;
    field[tile.y * kTile + tile.x] = opacity * by_alpha * coverage_slope(area, layer.rule, T(layer.orientation));
    const int64_t place = (tile.row - layer.y0) * (layer.x1 - layer.x0) + tile.column - layer.x0;
    keep_block_sums(true, by_paint, held, sums.paints + 4 * (sums.first_tile[number] + place));
    if (kShaded && layer.gradient >= 0) {
        double* const to = sums.shades + sums.first_shade[number] + place * shade_numbers(scene.tables, layer);
        keep_shades(scene, layer, pixel, by_shade, held, to);
    }
    keep_moments(scene, sums, layer, tile, field);
    __syncthreads();  // field has been read
}

// Gradients take registers, so that fewer blocks share a multiprocessor: without any it is another kernel.
template <bool kShaded, typename T>
__global__ void __launch_bounds__(kThreads, kShaded ? 1 : kBlocksPerUnit<T>)
    render_paths_backward_kernel(const T* grad, const T* canvas, PathScene<T> scene, PathSums sums, Grid grid,
                                 Portions<T> portions, T* grad_canvas) {
    __shared__ LinePiece<T> pieces[2 * kThreads];
    __shared__ T field[kThreads];
    __shared__ double held[kWarps][kMapNumbers];
    const int layers = scene.sizes.layers();
    const int64_t most = (layers + portions.size - 1) / portions.size, block = blockIdx.x;
    int32_t* const list = portions.list + block * layers;
    T* const kept = portions.kept + block * portions.size * 4 * kPixels + threadIdx.x;
    T* const starts = portions.starts + block * most * 3 * kPixels + threadIdx.x;
    for (int64_t number = next(portions.queue); number < grid.total; number = next(portions.queue)) {
        const Pixel pixel(number, grid, scene.sizes.height, scene.sizes.width);
        const TilePlace tile(number, grid, pixel);
        const int64_t first = pixel.canvas * layers;
        int listed = 0;
        for (int begin = 0; begin < layers; begin += kThreads) {
            listed += list_layers(scene, pixel.canvas, begin, tile, list + listed);
        }
        __syncthreads();
        T rgb[3], flowing[3];
        pixel.read(canvas, rgb);
        pixel.read(grad, flowing);
        const int64_t count = (listed + portions.size - 1) / portions.size;
        // Draws portion k, from the canvas below it.
        const auto draw = [&](int64_t k, bool keep) {
            for (int64_t i = k * portions.size; i < min((k + 1) * portions.size, static_cast<int64_t>(listed)); ++i) {
                const PathLayer layer = scene.layers[first + list[i]];
                const T area = area_of(scene, layer, tile, pieces);
                T* const to = kept + (i - k * portions.size) * 4 * kPixels;
                if (keep) to[0] = area, to[kPixels] = rgb[0], to[2 * kPixels] = rgb[1], to[3 * kPixels] = rgb[2];
                lay(paint_of<kShaded>(scene, layer, pixel), coverage_of(area, layer.rule), rgb);
            }
        };
        for (int64_t k = 0; k + 1 < count; ++k) {
            for (int c = 0; c < 3; ++c) starts[(3 * k + c) * kPixels] = rgb[c];
            draw(k, false);
        }
        for (int64_t k = count; k-- > 0;) {
            for (int c = 0; k + 1 < count && c < 3; ++c) rgb[c] = starts[(3 * k + c) * kPixels];
            draw(k, true);
            for (int64_t i = min((k + 1) * portions.size, static_cast<int64_t>(listed)); i-- > k * portions.size;) {
                const T* const from = kept + (i - k * portions.size) * 4 * kPixels;
                const T under[3] = {from[kPixels], from[2 * kPixels], from[3 * kPixels]};
                differentiate<kShaded>(scene, sums, first + list[i], tile, pixel, from[0], under, flowing, held, field);
            }
        }
        pixel.write(flowing, grad_canvas);
    }
}

// --- from sums to the arguments --------------------------------------------------------------------------------------

// A layer's colour and opacity, and its gradient's numbers, whose sum goes to the place of its first tile. A warp a
// layer.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    sum_layers_kernel(PathScene<T> scene, PathSums sums, PathGradients<T> grads) {
    const int64_t n = static_cast<int64_t>(blockIdx.x) * kWarps + threadIdx.x / 32;
    if (n >= static_cast<int64_t>(scene.sizes.batch) * scene.sizes.layers()) return;
    const int lane = threadIdx.x % 32;
    const PathLayer layer = scene.layers[n];
    T* const by_paint = layer.stroke ? grads.stroke : grads.fill;
    const int64_t tiles = layer.tiles(), numbers = shade_numbers(scene.tables, layer);
    const auto sum = [&](const double* values, int64_t stride) {
        double found = 0;
        for (int64_t k = lane; k < tiles; k += 32) found += values[k * stride];
        for (int step = 16; step > 0; step /= 2) found += __shfl_xor_sync(kAllLanes, found, step);
        return found;
    };
    for (int c = 0; c < 4; ++c) {
        const double found = sum(sums.paints + 4 * sums.first_tile[n] + c, 4);
        if (lane == 0 && by_paint != nullptr) by_paint[4 * int64_t(layer.path) + c] = T(found);
    }
    for (int64_t k = 0; tiles > 0 && k < numbers; ++k) {
        double* const shades = sums.shades + sums.first_shade[n] + k;
        const double found = sum(shades, numbers);
        if (lane == 0) shades[0] = found;
    }
}

// Numbers of gradients, of which several layers may have the same one. A thread a number of a map or of a stop.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    sum_shades_kernel(PathScene<T> scene, PathSums sums, PathGradients<T> grads) {
    const int64_t n = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    const PathSizes& sizes = scene.sizes;
    const int64_t maps = int64_t(kMapNumbers) * sizes.gradients, each = maps + int64_t(kStopNumbers) * sizes.stops;
    if (n >= sizes.batch * each) return;
    const int64_t picture = n / each, number = n % each;
    int gradient = static_cast<int>(number / kMapNumbers);
    int64_t place = number % kMapNumbers;
    if (number >= maps) {
        const int64_t stop = (number - maps) / kStopNumbers;
        gradient = 0;
        while (scene.tables.gradients[gradient].first + scene.tables.gradients[gradient].count <= stop) ++gradient;
        place = kMapNumbers + number - maps - kStopNumbers * scene.tables.gradients[gradient].first;
    }
    double sum = 0;
    for (int64_t l = picture * sizes.layers(); l < (picture + 1) * sizes.layers(); ++l) {
        const PathLayer& layer = scene.layers[l];
        if (layer.gradient == gradient && layer.tiles() > 0) sum += sums.shades[sums.first_shade[l] + place];
    }
    if (number < maps) {
        grads.maps[picture * maps + number] = T(sum);
    } else {
        grads.stops[picture * (each - maps) + number - maps] = T(sum);
    }
}

// An edge's moments, whose sum goes to their first place.
template <typename T>
__global__ void __launch_bounds__(kThreads) sum_moments_kernel(PathScene<T> scene, PathSums sums) {
    const int64_t n = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    if (n >= scene.points) return;
    Moment sum{0, 0};
    for (int64_t i = sums.first_moment[n]; i < sums.first_moment[n + 1]; ++i) {
        sum.whole += sums.moments[i].whole, sum.later += sums.moments[i].later;
    }
    if (sums.first_moment[n] < sums.first_moment[n + 1]) sums.moments[sums.first_moment[n]] = sum;
}

template <typename T>
__global__ void __launch_bounds__(kThreads) points_kernel(PathScene<T> scene, PathSums sums) {
    const int64_t n = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    if (n >= scene.points) return;
    Point by{0, 0};
    const int64_t before = scene.prev[n];
    if (sums.first_moment[n] < sums.first_moment[n + 1]) {
        const Moment own = sums.moments[sums.first_moment[n]];
        by += (own.whole - own.later) * quarter_turn(scene.at[scene.next[n]] - scene.at[n]);
    }
    if (sums.first_moment[before] < sums.first_moment[before + 1]) {
        by += sums.moments[sums.first_moment[before]].later * quarter_turn(scene.at[n] - scene.at[before]);
    }
    sums.by_point[n] = by;
}

struct NextPoint {
    const Point** at;
    NP_HD_CALL Point operator()() const { return *(*at)++; }
};

// From outlines of strokes to the curves' vertices and the widths. A thread a path, which no other shares vertices
// with.
template <typename T>
__global__ void __launch_bounds__(kThreads, 1) strokes_kernel(PathScene<T> scene, PathSums sums, T* by_width) {
    const int64_t n = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    const PathSizes& sizes = scene.sizes;
    if (n >= static_cast<int64_t>(sizes.batch) * sizes.paths) return;
    const int64_t picture = n / sizes.paths, path = n % sizes.paths;
    double by_radius = 0;
    for (int32_t c = scene.tables.first_contour[path]; c < scene.tables.first_contour[path + 1]; ++c) {
        const int64_t contour = picture * sizes.contours + c;
        int64_t first;
        const Stroker stroker = scene.stroker_of(contour, first);
        const Point* at = sums.by_point + scene.vertices + scene.first_outline[contour];
        OutlineDerivatives<NextPoint> back{stroker, {&at}, sums.by_point + first, sums.by_normal + first};
        stroker.outline(back);
        back.finish();
        by_radius += back.by_radius;
    }
    by_width[n] = scene.values.width[n] <= T(kFar) ? T(0.5 * by_radius) : T(0);
}

template <typename T>
__global__ void __launch_bounds__(kThreads) segments_kernel(PathScene<T> scene, PathSums sums, T* by_points) {
    const int64_t n = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    if (n >= static_cast<int64_t>(scene.sizes.batch) * scene.sizes.segments) return;
    const int64_t first = scene.first_vertex[n];
    const int lines = static_cast<int>(scene.first_vertex[n + 1] - first) - 1;
    Point by_control[4] = {{0, 0}, {0, 0}, {0, 0}, {0, 0}};
    for (int j = 0; j <= lines; ++j) {
        const Weights weights(j, lines);
#pragma unroll
        for (int k = 0; k < 4; ++k) by_control[k] += weights.w[k] * sums.by_point[first + j];
    }
#pragma unroll
    for (int k = 0; k < 8; ++k) {
        const double there = scene.values.points[8 * n + k];
        const bool moves = there >= -kFar && there <= kFar;
        by_points[8 * n + k] = T(moves ? k % 2 ? by_control[k / 2].y : by_control[k / 2].x : 0);
    }
}

// --- on the host -----------------------------------------------------------------------------------------------------

template <typename T>
PathSums make_sums(const PathScene<T>& scene, int64_t& moments, const Allocate& allocate, cudaStream_t stream) {
    const int64_t layers = static_cast<int64_t>(scene.sizes.batch) * scene.sizes.layers();
    PathSums sums{};
    sums.first_moment = take<int64_t>(allocate, scene.points + 1);
    sums.first_tile = take<int64_t>(allocate, layers + 1);
    sums.first_shade = take<int64_t>(allocate, layers + 1);
    if (scene.points > 0) {
        launch(count_edge_tiles_kernel<T>, blocks_for(scene.points), kThreads, 0, stream, scene, sums);
    }
    if (layers > 0) launch(count_layer_tiles_kernel<T>, blocks_for(layers), kThreads, 0, stream, scene, sums);
    moments = sum_up(sums.first_moment, scene.points, kMostItems, allocate, stream);
    sums.moments = take<Moment>(allocate, moments);
    sums.paints = take<double>(allocate, 4 * sum_up(sums.first_tile, layers, kMostItems, allocate, stream));
    sums.shades = take<double>(
        allocate, scene.sizes.gradients > 0 ? sum_up(sums.first_shade, layers, kMostItems, allocate, stream) : 0);
    sums.by_point = take<Point>(allocate, scene.points);
    sums.by_normal = take<Point>(allocate, scene.vertices);
    return sums;
}

// Portions as large as there are portions of the longest possible list, or the little that a tile has as a rule.
template <typename T>
Portions<T> make_portions(int64_t layers, int64_t tiles, int64_t& blocks, const Allocate& allocate) {
    Portions<T> portions{};
    portions.size = std::max<int64_t>(bound(32), static_cast<int64_t>(std::ceil(std::sqrt(0.75 * double(layers)))));
    portions.size = std::max<int64_t>(1, std::min(portions.size, layers));
    const int64_t most = (layers + portions.size - 1) / portions.size;
    const int64_t bytes = static_cast<int64_t>(sizeof(T)) * kPixels * (4 * portions.size + 3 * most) + 4 * layers;
    blocks = std::min({kBackwardBlocks, tiles, std::max<int64_t>(1, kPortionBytes / bytes)});
    portions.list = take<int32_t>(allocate, blocks * layers);
    portions.kept = take<T>(allocate, blocks * portions.size * 4 * kPixels);
    portions.starts = take<T>(allocate, blocks * most * 3 * kPixels);
    portions.queue = take<int>(allocate, 1);
    return portions;
}

}  // namespace

template <typename T>
void launch_render_paths_backward(const T* grad, const T* canvas, const PathValues<T>& values, const PathShape& shape,
                                  T* grad_canvas, const PathGradients<T>& grads, const Allocate& allocate,
                                  cudaStream_t stream) {
    if (shape.batch == 0) return;
    const PathScene<T> scene = make_scene(values, shape, allocate, stream);
    const Grid grid(shape.batch, shape.height, shape.width);
    int64_t moments = 0, blocks = 0;
    const PathSums sums = make_sums(scene, moments, allocate, stream);
    const Portions<T> portions = make_portions<T>(scene.sizes.layers(), grid.total, blocks, allocate);
    launch(clear_kernel<T>, blocks_for(std::max({moments, scene.vertices, int64_t(1)})), kThreads, 0, stream, scene,
           sums, moments, portions.queue);
    const auto kernel =
        shape.gradients > 0 ? render_paths_backward_kernel<true, T> : render_paths_backward_kernel<false, T>;
    launch(kernel, blocks, kThreads, 0, stream, grad, canvas, scene, sums, grid, portions, grad_canvas);
    const int64_t paths = shape.batch * shape.paths, segments = shape.batch * shape.segments;
    const int64_t shades = shape.batch * (kMapNumbers * shape.gradients + kStopNumbers * shape.stops);
    if (paths > 0) {
        launch(sum_layers_kernel<T>, (2 * paths + kWarps - 1) / kWarps, kThreads, 0, stream, scene, sums, grads);
    }
    if (shades > 0) launch(sum_shades_kernel<T>, blocks_for(shades), kThreads, 0, stream, scene, sums, grads);
    if (segments > 0) {
        launch(sum_moments_kernel<T>, blocks_for(scene.points), kThreads, 0, stream, scene, sums);
        launch(points_kernel<T>, blocks_for(scene.points), kThreads, 0, stream, scene, sums);
    }
    if (values.stroke && paths > 0) {
        launch(strokes_kernel<T>, blocks_for(paths), kThreads, 0, stream, scene, sums, grads.width);
    }
    if (segments > 0) launch(segments_kernel<T>, blocks_for(segments), kThreads, 0, stream, scene, sums, grads.points);
}

template void launch_render_paths_backward<float>(const float*, const float*, const PathValues<float>&,
                                                  const PathShape&, float*, const PathGradients<float>&,
                                                  const Allocate&, cudaStream_t);
template void launch_render_paths_backward<double>(const double*, const double*, const PathValues<double>&,
                                                   const PathShape&, double*, const PathGradients<double>&,
                                                   const Allocate&, cudaStream_t);

}  // namespace neuralpaint::cuda
