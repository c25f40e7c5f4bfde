// Where the backward pass of paths keeps its sums over tiles until they are added up: which tiles an edge and a layer
// touch, and a place for each.
#pragma once

#include "cuda/path_scene.cuh"

namespace neuralpaint::cuda {

// The derivative by the coverage along a part of an edge: its sum, alone and times the place on the edge.
struct Moment {
    double whole, later;
};

// Where sums are kept until they are added up.
struct PathSums {
    int64_t* first_moment;  // [points + 1], of each edge, a place for each tile that it touches
    Moment* moments;
    int64_t* first_tile;   // [layers + 1]
    double* paints;        // [tiles of layers, 4]
    int64_t* first_shade;  // [layers + 1]
    double* shades;        // [tiles of layers, numbers of the gradient]
    Point* by_point;       // [points]
    Point* by_normal;      // [vertices]
};

__device__ __forceinline__ int64_t shade_numbers(const PathTables& tables, const PathLayer& layer) {
    return layer.gradient < 0 ? 0 : kMapNumbers + kStopNumbers * tables.gradients[layer.gradient].count;
}

// The rows of tiles that an edge touches, half-open.
__device__ __forceinline__ void tile_rows(Point a, Point b, int height, int& begin, int& end) {
    const double low = vmin(a.y, b.y), high = vmax(a.y, b.y);
    begin = end = 0;
    if (high < 0 || low >= height || (a.x == b.x && a.y == b.y)) return;
    begin = static_cast<int>(vmax(low, 0.0)) / kTile;
    end = static_cast<int>(vmin(high, double(height - 1))) / kTile + 1;
}

// The columns of tiles that its part in a row of tiles can be in, half-open, with room for rounding.
__device__ __forceinline__ void tile_columns(Point a, Point b, int row, int width, int& begin, int& end) {
    double s = 0, t = 1;
    if (a.y != b.y) {
        const double u = (double(row) * kTile - a.y) / (b.y - a.y), v = (double(row + 1) * kTile - a.y) / (b.y - a.y);
        s = std::clamp(vmin(u, v), 0.0, 1.0), t = std::clamp(vmax(u, v), 0.0, 1.0);
    }
    const double x = a.x + s * (b.x - a.x), z = a.x + t * (b.x - a.x), most = width - 1;
    begin = static_cast<int>(std::clamp(vmin(x, z) - 0.01, 0.0, most)) / kTile;
    end = static_cast<int>(std::clamp(vmax(x, z) + 0.01, 0.0, most)) / kTile + 1;
}

template <typename T>
__global__ void __launch_bounds__(kThreads) count_edge_tiles_kernel(PathScene<T> scene, PathSums sums) {
    const int64_t n = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    if (n >= scene.points) return;
    int64_t count = 0;
    if (n >= scene.vertices || scene.values.fill != nullptr) {
        const Point a = scene.at[n], b = scene.at[scene.next[n]];
        int row, last;
        for (tile_rows(a, b, scene.sizes.height, row, last); row < last; ++row) {
            int begin, end;
            tile_columns(a, b, row, scene.sizes.width, begin, end);
            count += end - begin;
        }
    }
    sums.first_moment[n] = count;
}

template <typename T>
__global__ void __launch_bounds__(kThreads) count_layer_tiles_kernel(PathScene<T> scene, PathSums sums) {
    const int64_t n = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    if (n >= static_cast<int64_t>(scene.sizes.batch) * scene.sizes.layers()) return;
    const PathLayer& layer = scene.layers[n];
    sums.first_tile[n] = layer.tiles();
    sums.first_shade[n] = layer.tiles() * shade_numbers(scene.tables, layer);
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    clear_kernel(PathScene<T> scene, PathSums sums, int64_t moments, int* queue) {
    const int64_t n = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    if (n == 0) *queue = 0;
    if (n < moments) sums.moments[n] = {0, 0};
    if (n < scene.vertices) sums.by_normal[n] = {0, 0};
}

}  // namespace neuralpaint::cuda
