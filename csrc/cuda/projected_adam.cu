#include "cuda/projected_adam.h"

#include <cuda_runtime.h>

#include <algorithm>

#include "cuda/launch.cuh"

namespace neuralpaint::cuda {
namespace {

constexpr int kThreads = 256;

// A block takes whole rows, so that their ages change when all of its threads have read them.
template <typename T>
__global__ void __launch_bounds__(kThreads) step_kernel(ProjectedAdam<T> adam, int rows_at_once) {
    const int64_t first = static_cast<int64_t>(blockIdx.x) * rows_at_once;
    const int64_t rows = min(static_cast<int64_t>(rows_at_once), adam.rows - first);
    __shared__ T pushes[kThreads][2];
    const bool pulls = adam.pull.field != nullptr;
    if (pulls) {  // of what all numbers of a row are, before the step changes them
        for (int64_t row = threadIdx.x; row < rows; row += kThreads) {
            adam.pull.push(adam.points + (first + row) * adam.columns, pushes[row][0], pushes[row][1]);
        }
        __syncthreads();
    }
    for (int64_t i = threadIdx.x; i < rows * adam.columns; i += kThreads) {
        const int64_t number = first * adam.columns + i, own = i / adam.columns, column = i % adam.columns;
        T gradient = adam.given(number, first + own < adam.extra_rows);
        if (pulls) gradient += adam.pull.added(column, pushes[own][0], pushes[own][1]);
        adam.step(number, gradient, adam.correction(adam.age[first + own] + T(1)), column == adam.wraps);
    }
    __syncthreads();
    for (int64_t row = threadIdx.x; row < rows; row += kThreads) adam.age[first + row] += T(1);
}

}  // namespace

template <typename T>
void launch_projected_adam(const ProjectedAdam<T>& adam, cudaStream_t stream) {
    if (adam.rows == 0) return;
    const int64_t rows_at_once = std::max<int64_t>(kThreads / std::max<int64_t>(adam.columns, 1), 1);
    launch(step_kernel<T>, (adam.rows + rows_at_once - 1) / rows_at_once, kThreads, 0, stream, adam,
           static_cast<int>(rows_at_once));
}

template void launch_projected_adam<float>(const ProjectedAdam<float>&, cudaStream_t);
template void launch_projected_adam<double>(const ProjectedAdam<double>&, cudaStream_t);

}  // namespace neuralpaint::cuda
