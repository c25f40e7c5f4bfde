// Compiled without contraction, so that it gives the bits of the separate operations of torch that it stands for.
#include "cpu/projected_adam.h"

#include <algorithm>

#include "cpu/parallel.h"

namespace neuralpaint::cpu {
namespace {

constexpr int64_t kNumbersPerTask = 16 * 1024;  // below this a second thread costs more than it gains

}  // namespace

template <typename T>
void projected_adam(const ProjectedAdam<T>& adam) {
    const int64_t columns = adam.columns, grain = std::max<int64_t>(kNumbersPerTask / std::max<int64_t>(columns, 1), 1);
    parallel_for(0, adam.rows, grain, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
            const T age = adam.age[row] + T(1), correction = adam.correction(age);
            adam.age[row] = age;
            const int64_t first = row * columns, wraps = adam.wraps;
            const bool extra = row < adam.extra_rows;
            if (adam.pull.field == nullptr) {
#pragma omp simd
                for (int64_t i = 0; i < columns; ++i) {
                    adam.step(first + i, adam.given(first + i, extra), correction, i == wraps);
                }
                continue;
            }
            T by_x, by_y;
            adam.pull.push(adam.points + first, by_x, by_y);
#pragma omp simd
            for (int64_t i = 0; i < columns; ++i) {
                const T gradient = adam.given(first + i, extra) + adam.pull.added(i, by_x, by_y);
                adam.step(first + i, gradient, correction, i == wraps);
            }
        }
    });
}

template void projected_adam<float>(const ProjectedAdam<float>&);
template void projected_adam<double>(const ProjectedAdam<double>&);

}  // namespace neuralpaint::cpu
