// The outlines of a batch of pictures on the device: their edges, and which edges and tiles each layer has. A layer is
// the fill or the stroke of a path; its edges follow one another.
#pragma once

#include "common/path_coverage.h"
#include "cuda/paths.h"
#include "cuda/tiles.cuh"

namespace neuralpaint::cuda {

struct ContourRow {
    int32_t path, first, count, closed;  // first segment, and how many
};
struct GradientRow {
    int64_t kind, spread, count, first;  // first stop, and how many
};

// What all pictures share, on the device.
struct PathTables {
    const ContourRow* contours;    // [contours + 1], the last with the number of segments
    const int32_t* contour_of;     // [segments]
    const int32_t* first_contour;  // [paths + 1]
    const int64_t* styles;         // [paths, kStyles]
    const double* miter_limits;    // [paths]
    const GradientRow* gradients;
};

struct PathSizes {
    int batch, segments, contours, paths, gradients, stops, height, width;
    NP_HD int layers() const { return 2 * paths; }
};

struct PathLayer {
    int32_t begin, end;      // edges
    int32_t x0, x1, y0, y1;  // tiles that it may cover, half-open
    int32_t path, gradient;  // the path's number in the batch; -1: no gradient
    FillRule rule;
    double orientation;
    bool stroke;

    NP_HD int tiles() const { return (x1 - x0) * (y1 - y0); }
    NP_HD bool holds(int x, int y) const { return x >= x0 && x < x1 && y >= y0 && y < y1; }
};

// Point i is where edge i begins; next[i] is where it ends. The curves' vertices come first, contour by contour, and
// are the edges of the fills; then the points of the strokes' outlines.
template <typename T>
struct PathScene {
    PathSizes sizes;
    PathTables tables;
    PathValues<T> values;
    int64_t vertices, points;
    int64_t *first_vertex, *first_outline;  // [batch * segments + 1], [batch * contours + 1]
    Point* at;
    int32_t *next, *prev;
    char* inner;
    int* kept;               // [vertices], room for strokers
    Stroker::Chord* chords;  // [vertices]
    PathLayer* layers;       // [batch, paths, fill and stroke]

    // Vertices of the contour with this number in the batch: the first, and how many.
    __device__ __forceinline__ int64_t vertex_of(int64_t contour, int& count) const {
        const int64_t picture = contour / sizes.contours;
        const ContourRow& row = tables.contours[contour % sizes.contours];
        const int64_t* const first = first_vertex + picture * sizes.segments + row.first;
        count = static_cast<int>(first[row.count] - first[0]);
        return first[0];
    }
    __device__ __forceinline__ Stroker stroker_of(int64_t contour, int64_t& first) const {
        const ContourRow& row = tables.contours[contour % sizes.contours];
        const int64_t* const style = tables.styles + kStyles * row.path;
        int count;
        first = vertex_of(contour, count);
        Stroker stroker(kept + first, chords + first);
        const double width = values.width[contour / sizes.contours * sizes.paths + row.path];
        stroker.set(at + first, inner + first, count, row.closed != 0, radius_of(width),
                    {static_cast<Cap>(style[1]), static_cast<Join>(style[2]), tables.miter_limits[row.path]});
        return stroker;
    }
    __device__ __forceinline__ Gradient<T> gradient_of(int64_t picture, int number) const {
        const GradientRow& row = tables.gradients[number];
        return {static_cast<GradientKind>(row.kind), static_cast<Spread>(row.spread), row.count,
                values.stops + kStopNumbers * (picture * sizes.stops + row.first),
                values.maps + kMapNumbers * (picture * sizes.gradients + number)};
    }
};

// Throws std::runtime_error unless it is cudaSuccess.
void check_cuda(int status);

// One or more after the other: starts[i] is the sum of the counts before i, of which there are `count`; starts[count]
// is that of all, which is returned. Waits for the stream. starts may be counts, with room for one number more.
int64_t sum_up(int64_t* counts, int64_t count, int64_t most, const Allocate& allocate, cudaStream_t stream);

// Outlines and layers.
template <typename T>
PathScene<T> make_scene(const PathValues<T>& values, const PathShape& shape, const Allocate& allocate,
                        cudaStream_t stream);

template <typename E>
E* take(const Allocate& allocate, int64_t count) {
    return static_cast<E*>(allocate(std::max<int64_t>(1, count) * static_cast<int64_t>(sizeof(E))));
}

// Where in the block's list the `own` things of this thread go, at most two, if threads put them down in order; returns
// how many all have. All threads must call it.
__device__ __forceinline__ int place_in_block(int own, int& place) {
    __shared__ int warp_counts[kWarps];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const unsigned before = (1u << lane) - 1, some = __ballot_sync(kAllLanes, own > 0),
                   two = __ballot_sync(kAllLanes, own > 1);
    __syncthreads();  // warp_counts has been read
    if (lane == 0) warp_counts[warp] = __popc(some) + __popc(two);
    __syncthreads();
    place = __popc(some & before) + __popc(two & before);
    int total = 0;
#pragma unroll
    for (int w = 0; w < kWarps; ++w) {
        if (w < warp) place += warp_counts[w];
        total += warp_counts[w];
    }
    return total;
}

// The tile of a block, and the pixel of a thread in it.
struct TilePlace {
    int column, row;  // of the tile
    int x, y;         // of the pixel, in the tile
    __device__ __forceinline__ TilePlace(int64_t tile, const Grid& grid, const Pixel& pixel)
        : column(static_cast<int>(tile % grid.tiles) % grid.tiles_x),
          row(static_cast<int>(tile % grid.tiles) / grid.tiles_x),
          x(pixel.x - column * kTile),
          y(pixel.y - row * kTile) {}
    __device__ __forceinline__ Point corner() const { return {double(column) * kTile, double(row) * kTile}; }
};

// The numbers of those of the layers [begin, begin + kThreads) of a picture that may cover a tile, in order. Returns
// how many. All threads must call it, and wait before they read `list`.
template <typename T>
__device__ __forceinline__ int list_layers(const PathScene<T>& scene, int64_t picture, int begin, const TilePlace& tile,
                                           int32_t* list) {
    const int number = begin + static_cast<int>(threadIdx.x), layers = scene.sizes.layers();
    const bool touches = number < layers && scene.layers[picture * layers + number].holds(tile.column, tile.row);
    int place;
    const int total = place_in_block(touches, place);
    if (touches) list[place] = number;
    return total;
}

// The sum of signed areas that a layer has in this thread's pixel. `pieces` is shared, of 2 * kThreads.
template <typename T>
__device__ __forceinline__ T area_of(const PathScene<T>& scene, const PathLayer& layer, const TilePlace& tile,
                                     LinePiece<T>* pieces) {
    T area(0);
    const Point corner = tile.corner();
    for (int32_t begin = layer.begin; begin < layer.end; begin += kThreads) {
        const int32_t edge = begin + static_cast<int32_t>(threadIdx.x);
        LinePiece<T> own[2];
        int count = 0, place;
        if (edge < layer.end) {
            count = cut_line(scene.at[edge] - corner, scene.at[scene.next[edge]] - corner, kTile, kTile, own);
        }
        const int total = place_in_block(count, place);
        if (count > 0) pieces[place] = own[0];
        if (count > 1) pieces[place + 1] = own[1];
        __syncthreads();
        for (int i = 0; i < total; ++i) area += area_beside(pieces[i], T(tile.x), T(tile.y));
        __syncthreads();
    }
    return area;
}

template <typename T>
struct PathPaint {
    T color[3], own, shade;  // opacity: the layer's, and what a gradient multiplies it by
};

// Without `kShaded` no layer has a gradient.
template <bool kShaded, typename T>
__device__ __forceinline__ PathPaint<T> paint_of(const PathScene<T>& scene, const PathLayer& layer,
                                                 const Pixel& pixel) {
    const T* rgba = (layer.stroke ? scene.values.stroke : scene.values.fill) + 4 * int64_t(layer.path);
    PathPaint<T> paint{{rgba[0], rgba[1], rgba[2]}, rgba[3], T(1)};
    if (!kShaded || layer.gradient < 0) return paint;
    const GradientColor at =
        gradient_color(scene.gradient_of(pixel.canvas, layer.gradient), pixel.x + 0.5, pixel.y + 0.5);
#pragma unroll
    for (int c = 0; c < 3; ++c) paint.color[c] = T(at.rgba[c]);
    paint.shade = T(at.rgba[3]);
    return paint;
}

// Lays a layer over a pixel's colour.
template <typename T>
__device__ __forceinline__ void lay(const PathPaint<T>& paint, T covered, T* rgb) {
    const T alpha = paint.own * paint.shade * covered;
#pragma unroll
    for (int c = 0; c < 3; ++c) rgb[c] = alpha * paint.color[c] + (T(1) - alpha) * rgb[c];
}

}  // namespace neuralpaint::cuda
