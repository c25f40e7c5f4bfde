// The kernels' loops on torch's threads, so that torch.set_num_threads holds for them too.
#include "cpu/parallel.h"

#include <torch/csrc/stable/ops.h>

#include <algorithm>
#include <exception>
#include <mutex>

namespace neuralpaint {

void run_parallel(int64_t begin, int64_t end, int64_t grain, RangeTask task, void* context) {
    if (begin >= end) return;
    // An exception that crosses torch's C interface comes back as an error code without its type and message.
    std::exception_ptr failure;
    std::mutex mutex;
    torch::stable::parallel_for(begin, end, std::max<int64_t>(1, grain), [&](int64_t first, int64_t last) {
        try {
            task(first, last, context);
        } catch (...) {
            const std::lock_guard<std::mutex> lock(mutex);
            if (!failure) failure = std::current_exception();
        }
    });
    if (failure) std::rethrow_exception(failure);
}

int64_t thread_count() { return torch::stable::get_num_threads(); }

}  // namespace neuralpaint
