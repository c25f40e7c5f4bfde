// The kernels' loops on threads of our own, as many as torch uses, so that torch.set_num_threads holds for them too.
#include "cpu/parallel.h"

#include <torch/csrc/stable/ops.h>

#include <algorithm>

#include "torch/thread_pool.h"

namespace neuralpaint {

void run_parallel(int64_t begin, int64_t end, int64_t grain, RangeTask task, void* context) {
    ThreadPool::shared().run(begin, end, std::max<int64_t>(1, grain), thread_count(), task, context);
}

int64_t thread_count() { return torch::stable::get_num_threads(); }

}  // namespace neuralpaint
