// The kernels' loops on one thread, for programs without torch.
#include <cstdint>

#include "cpu/parallel.h"

namespace neuralpaint {

void run_parallel(int64_t begin, int64_t end, int64_t, RangeTask task, void* context) {
    if (begin < end) task(begin, end, context);
}

int64_t thread_count() { return 1; }

}  // namespace neuralpaint
