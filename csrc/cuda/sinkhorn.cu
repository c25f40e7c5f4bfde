#include <cuda_runtime.h>

#include <algorithm>
#include <type_traits>

#include "cuda/sinkhorn.h"
#include "cuda/sinkhorn_sums.cuh"

// A team of threads works on maps of one image; thread t of n owns pixels t, t + n, ... of each. A sum over all pixels
// ("negative_log_sum", "weighted_sum") begins with a barrier, so that its inputs are complete, reads maps that no
// thread changes meanwhile, and hands each result to the thread that owns the pixel: by then nobody reads the inputs
// any more, and the owner may overwrite them.

// The sums with the squared Euclidean cost are taken as on the CPU: exponentials first, exp(Y_j - max Y), then products
// with the tables exp(-C / epsilon) of rows and of columns, one exponential a pixel and h + w multiply-adds. Where what
// underflows on the way might count, which the sums themselves tell, the team takes them by logarithms instead, each
// term's exponent less the largest: h + w exponentials a pixel.

// The maps stay in shared memory from the first iteration to the last: 48 x 48 pixels take 46 KiB (float). The
// multiply-adds bound it, each with a number of a map and one of a table from shared memory. A search of the paper's
// preset has 3 masses a block of the canvas, 75 on its finest grid, a block of threads each; fewer images leave
// multiprocessors idle, and are shared among a cluster of up to 8 blocks, where there are clusters. There each block
// has all maps and takes its share of the pixels: a barrier of the cluster follows each map, 5 in half an iteration.

namespace neuralpaint::cuda {
namespace {

using namespace transport;

// Maps in the workspace take addresses of 64 bits, and so more registers.
template <typename T, bool kShared>
constexpr int kMaxThreads = sizeof(T) == 4 ? (kShared ? 1024 : 384) : (kShared ? 512 : 256);

template <typename T, typename Team>
__device__ double mass_total(Team& team, const T* mass, int pixels) {
    double sum = 0;
    bool valid = true;
    for (int i = team.thread(); i < pixels; i += team.threads()) {
        sum += static_cast<double>(mass[i]);
        valid &= mass[i] >= T(0);
    }
    return team.sum(valid ? sum : nan(""));
}

template <typename T>
__device__ __forceinline__ T normalised(T mass, double total) {
    return static_cast<T>(static_cast<double>(mass) / total);
}

// Two maps, and the scratch of the sums.
template <typename Sums>
__host__ __device__ __forceinline__ int64_t elements(int height, int width) {
    return 2 * static_cast<int64_t>(height) * width + Sums::scratch(height, width);
}

// A block's shared memory: the team's scratch, and the maps if they are not in the workspace.
template <typename T, typename Sums, bool kShared, typename Team>
__device__ __forceinline__ T* maps_of(double* shared, T* workspace, const Team& team, const Grid<T>& grid) {
    if (kShared) return reinterpret_cast<T*>(shared + Team::kScratch);
    return workspace + team.number() * elements<Sums>(grid.height, grid.width);
}

template <typename T, template <typename, typename> class SumsOf, bool kShared, bool kCluster>
__global__ void __launch_bounds__(kMaxThreads<T, kShared>, 1)
    sinkhorn_kernel(const T* __restrict__ mass_x, const T* __restrict__ mass_y, T* __restrict__ cost,
                    T* __restrict__ potentials, T* workspace, Grid<T> grid, int iterations) {
    const int pixels = grid.pixels;
    NP_DYNAMIC_SHARED(double, shared);
    using Group = Team<kCluster, kShared>;
    using Sums = SumsOf<T, Group>;
    Group team(shared);
    const int64_t b = team.number();
    T* const field = maps_of<T, Sums, kShared>(shared, workspace, team, grid);
    Sums sums(team, grid, field + 2 * pixels);
    mass_x += b * pixels;
    mass_y += b * pixels;
    potentials += b * 2 * iterations * pixels;
    const double total_x = mass_total(team, mass_x, pixels), total_y = mass_total(team, mass_y, pixels);

    for (int i = team.thread(); i < pixels; i += team.threads()) team.put(field + i, T(0));
    for (int k = 0; k < iterations; ++k) {
        T* const p = potentials + static_cast<int64_t>(2 * k) * pixels;
        T* const q = p + pixels;
        sums.negative_log_sum(field, [&](int i, T value) {
            p[i] = value;
            team.put(field + i, log(normalised(mass_x[i], total_x)) + value);
        });
        sums.negative_log_sum(field, [&](int i, T value) {
            q[i] = value;
            if (k + 1 < iterations) team.put(field + i, log(normalised(mass_y[i], total_y)) + value);
        });
    }
    // The mean cost of what arrives at each pixel, from the last X, which field still holds, and the last Q.
    double sum = 0;
    sums.template weighted_sum<true, false>(
        field, nullptr, potentials + static_cast<int64_t>(2 * iterations - 1) * pixels,
        [&](int i, T value) { sum += static_cast<double>(normalised(mass_y[i], total_y)) * value; });
    sum = team.sum(sum);
    if (team.thread() == 0) cost[b] = static_cast<T>(sum);
}

// The recurrences for xi and eta are derived in cpu/sinkhorn.cpp. grad_x and grad_y hold their sums over the iterations
// until the end, each pixel read and written by its owner alone.
template <typename T, template <typename, typename> class SumsOf, bool kShared, bool kCluster>
__global__ void __launch_bounds__(kMaxThreads<T, kShared>, 1)
    sinkhorn_backward_kernel(const T* __restrict__ grad, const T* __restrict__ mass_x, const T* __restrict__ mass_y,
                             const T* __restrict__ potentials, T* __restrict__ grad_x, T* __restrict__ grad_y,
                             T* workspace, Grid<T> grid, int iterations) {
    const int pixels = grid.pixels;
    NP_DYNAMIC_SHARED(double, shared);
    using Group = Team<kCluster, kShared>;
    using Sums = SumsOf<T, Group>;
    Group team(shared);
    const int64_t b = team.number();
    T* const field = maps_of<T, Sums, kShared>(shared, workspace, team, grid);
    T* const weight = field + pixels;
    Sums sums(team, grid, field + 2 * pixels);
    mass_x += b * pixels;
    mass_y += b * pixels;
    grad_x += b * pixels;
    grad_y += b * pixels;
    potentials += b * 2 * iterations * pixels;
    const double total_x = mass_total(team, mass_x, pixels), total_y = mass_total(team, mass_y, pixels);

    const T* p = potentials + static_cast<int64_t>(2 * iterations - 2) * pixels;
    for (int i = team.thread(); i < pixels; i += team.threads())
        team.put(field + i, log(normalised(mass_x[i], total_x)) + p[i]);
    for (int k = iterations; k > 0; --k, p -= 2 * pixels) {
        const T* const q = p + pixels;
        const bool last = k == iterations;
        // field is X of the iteration after this one (of this one in the last), weight the xi of that; then Y and eta.
        double mean = 0;
        const auto keep_eta = [&](int i, T value) {
            team.put(weight + i, value);
            mean += static_cast<double>(normalised(mass_y[i], total_y)) * value;
        };
        if (last) {
            sums.template weighted_sum<true, false>(field, nullptr, q, keep_eta);
        } else {
            sums.template weighted_sum<false, true>(field, weight, q, keep_eta);
        }
        // Derivatives that are known to sum to zero are held to it, as on the CPU.
        mean = last ? 0.0 : team.sum(mean);
        for (int i = team.thread(); i < pixels; i += team.threads()) {
            const T eta = weight[i] - static_cast<T>(mean);
            team.put(weight + i, eta);
            grad_y[i] = last ? eta : bounded(grad_y[i] + eta);
            team.put(field + i, log(normalised(mass_y[i], total_y)) + q[i]);
        }
        mean = 0;
        const auto keep_xi = [&](int i, T value) {
            team.put(weight + i, value);
            mean += static_cast<double>(normalised(mass_x[i], total_x)) * value;
        };
        if (last) {
            sums.template weighted_sum<true, true>(field, weight, p, keep_xi);
        } else {
            sums.template weighted_sum<false, true>(field, weight, p, keep_xi);
        }
        mean = team.sum(mean);
        for (int i = team.thread(); i < pixels; i += team.threads()) {
            const T xi = weight[i] - static_cast<T>(mean);
            team.put(weight + i, xi);
            grad_x[i] = last ? xi : bounded(grad_x[i] + xi);
            team.put(field + i, log(normalised(mass_x[i], total_x)) + p[i]);
        }
    }

    double mean_x = 0, mean_y = 0;
    for (int i = team.thread(); i < pixels; i += team.threads()) {
        mean_x += static_cast<double>(normalised(mass_x[i], total_x)) * grad_x[i];
        mean_y += static_cast<double>(normalised(mass_y[i], total_y)) * grad_y[i];
    }
    mean_x = team.sum(mean_x);
    mean_y = team.sum(mean_y);
    // Held within the finite, so that they make no NaN of a derivative that is zero.
    const double by_x = bounded(static_cast<double>(grad[b]) / total_x);
    const double by_y = bounded(static_cast<double>(grad[b]) / total_y);
    for (int i = team.thread(); i < pixels; i += team.threads()) {
        grad_x[i] = bounded(static_cast<T>(by_x * (grad_x[i] - mean_x)));
        grad_y[i] = bounded(static_cast<T>(by_y * (grad_y[i] - mean_y)));
    }
}

template <typename T>
Grid<T> grid_of(const SinkhornShape& shape) {
    const double height = shape.height, width = shape.width;
    return {shape.height,
            shape.width,
            shape.height * shape.width,
            static_cast<T>(1 / (height * height)),
            static_cast<T>(1 / (width * width)),
            static_cast<T>(1 / shape.epsilon)};
}

template <typename T>
int threads_for(int pixels, bool shared) {
    return std::min((pixels + 31) / 32 * 32, shared ? kMaxThreads<T, true> : kMaxThreads<T, false>);
}

// Of an image's maps.
template <typename T>
size_t map_bytes(const SinkhornShape& shape) {
    using Alone = Team<false, true>;
    const bool dense = shape.cost == TransportCost::kEuclidean;
    return sizeof(T) * (dense ? elements<DenseSums<T, Alone>>(shape.height, shape.width)
                              : elements<SeparableSums<T, Alone>>(shape.height, shape.width));
}

template <bool kCluster>
constexpr size_t kScratchBytes = sizeof(double) * Team<kCluster, true>::kScratch;

constexpr int64_t kLeastPixels = 128;  // of a block of a cluster

// The most blocks that an image may be shared among: no more than there are multiprocessors for.
int blocks_for(const SinkhornShape& shape) {
    if (!has_clusters()) return 1;
    const int64_t pixels = static_cast<int64_t>(shape.height) * shape.width, places = multiprocessors();
    int blocks = kMostBlocks;
    while (blocks > 1 && (shape.batch * blocks > places || pixels < kLeastPixels * blocks)) blocks /= 2;
    return blocks;
}

// Launches kernel_of(whether an image has a cluster, as a type).
template <typename T, typename KernelOf, typename... Arguments>
void launch_images(const KernelOf& kernel_of, const SinkhornShape& shape, bool shared, cudaStream_t stream,
                   Arguments... arguments) {
    const int pixels = shape.height * shape.width, blocks = blocks_for(shape);
    const size_t maps = shared ? map_bytes<T>(shape) : 0;
    const auto allow = [](auto* kernel, size_t bytes) {
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes));
    };
    if (const size_t bytes = maps + kScratchBytes<true>; blocks > 1 && bytes <= shared_limit()) {
        auto* const kernel = kernel_of(std::true_type());
        const int threads = threads_for<T>((pixels + blocks - 1) / blocks, shared);
        allow(kernel, bytes);
        if (fits(kernel, blocks, threads, bytes)) {
            return launch_clusters(kernel, shape.batch * blocks, blocks, threads, bytes, stream, arguments...,
                                   grid_of<T>(shape), shape.iterations);
        }
    }
    auto* const kernel = kernel_of(std::false_type());
    const size_t bytes = maps + kScratchBytes<false>;
    allow(kernel, bytes);
    launch(kernel, shape.batch, threads_for<T>(pixels, shared), bytes, stream, arguments..., grid_of<T>(shape),
           shape.iterations);
}

}  // namespace

template <typename T>
int64_t sinkhorn_workspace(const SinkhornShape& shape) {
    const size_t bytes = map_bytes<T>(shape);
    return bytes + kScratchBytes<false> <= shared_limit() ? 0 : shape.batch * static_cast<int64_t>(bytes / sizeof(T));
}

template <typename T>
void launch_sinkhorn(const T* mass_x, const T* mass_y, T* cost, T* potentials, T* workspace, const SinkhornShape& shape,
                     cudaStream_t stream) {
    if (shape.batch == 0) return;
    const auto kernel = [&](auto cluster) {
        constexpr bool kCluster = decltype(cluster)::value;
        return shape.cost == TransportCost::kEuclidean
                   ? (workspace ? sinkhorn_kernel<T, DenseSums, false, kCluster>
                                : sinkhorn_kernel<T, DenseSums, true, kCluster>)
                   : (workspace ? sinkhorn_kernel<T, SeparableSums, false, kCluster>
                                : sinkhorn_kernel<T, SeparableSums, true, kCluster>);
    };
    launch_images<T>(kernel, shape, workspace == nullptr, stream, mass_x, mass_y, cost, potentials, workspace);
}

template <typename T>
void launch_sinkhorn_backward(const T* grad, const T* mass_x, const T* mass_y, const T* potentials, T* grad_x,
                              T* grad_y, T* workspace, const SinkhornShape& shape, cudaStream_t stream) {
    if (shape.batch == 0) return;
    const auto kernel = [&](auto cluster) {
        constexpr bool kCluster = decltype(cluster)::value;
        return shape.cost == TransportCost::kEuclidean
                   ? (workspace ? sinkhorn_backward_kernel<T, DenseSums, false, kCluster>
                                : sinkhorn_backward_kernel<T, DenseSums, true, kCluster>)
                   : (workspace ? sinkhorn_backward_kernel<T, SeparableSums, false, kCluster>
                                : sinkhorn_backward_kernel<T, SeparableSums, true, kCluster>);
    };
    launch_images<T>(kernel, shape, workspace == nullptr, stream, grad, mass_x, mass_y, potentials, grad_x, grad_y,
                     workspace);
}

template int64_t sinkhorn_workspace<float>(const SinkhornShape&);
template int64_t sinkhorn_workspace<double>(const SinkhornShape&);
template void launch_sinkhorn<float>(const float*, const float*, float*, float*, float*, const SinkhornShape&,
                                     cudaStream_t);
template void launch_sinkhorn<double>(const double*, const double*, double*, double*, double*, const SinkhornShape&,
                                      cudaStream_t);
template void launch_sinkhorn_backward<float>(const float*, const float*, const float*, const float*, float*, float*,
                                              float*, const SinkhornShape&, cudaStream_t);
template void launch_sinkhorn_backward<double>(const double*, const double*, const double*, const double*, double*,
                                               double*, double*, const SinkhornShape&, cudaStream_t);

}  // namespace neuralpaint::cuda
