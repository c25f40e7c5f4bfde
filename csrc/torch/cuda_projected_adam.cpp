#include "cuda/projected_adam.h"
#include "torch/adam_checks.h"
#include "torch/cuda.h"

namespace neuralpaint {
namespace {

struct StepOnCuda {
    static void run(const AdamTensors& tensors, const AdamSettings& settings) {
        const Tensor& parameters = tensors.parameters;
        const DeviceGuard guard(parameters.get_device_index());
        with_floating_type("projected_adam_", parameters.scalar_type(), [&](auto tag) {
            using T = typename decltype(tag)::type;
            const auto adam = tensors.arguments<T>(settings);
            cuda::launch_projected_adam<T>(adam, current_stream(parameters));
        });
        check_launch();
    }
};

}  // namespace
}  // namespace neuralpaint

STABLE_TORCH_LIBRARY_IMPL(neuralpaint, CUDA, m) {
    m.impl("projected_adam_", TORCH_BOX(&neuralpaint::projected_adam<neuralpaint::StepOnCuda>));
}
