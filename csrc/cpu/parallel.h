// A loop shared by threads. The kernels name no thread pool: whoever links them defines run_parallel and thread_count
// (threads of our own in torch/parallel.cpp, one thread in tests/serial.cpp).
#pragma once

#include <cstdint>

namespace neuralpaint {

using RangeTask = void (*)(int64_t begin, int64_t end, void* context);

// Calls task(first, last, context) for parts that make up [begin, end), each of at least `grain` but for the last one,
// and returns when all are done. An exception of a task is thrown again here.
void run_parallel(int64_t begin, int64_t end, int64_t grain, RangeTask task, void* context);

// Threads that run_parallel uses at the most.
int64_t thread_count();

template <typename F>
void parallel_for(int64_t begin, int64_t end, int64_t grain, const F& f) {
    const RangeTask task = [](int64_t first, int64_t last, void* context) {
        (*static_cast<const F*>(context))(first, last);
    };
    run_parallel(begin, end, grain, task, const_cast<void*>(static_cast<const void*>(&f)));
}

}  // namespace neuralpaint
