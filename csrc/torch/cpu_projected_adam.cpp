#include "cpu/projected_adam.h"

#include "torch/adam_checks.h"

namespace neuralpaint {
namespace {

struct StepOnCpu {
    static void run(const AdamTensors& tensors, const AdamSettings& settings) {
        with_floating_type("projected_adam_", tensors.parameters.scalar_type(), [&](auto tag) {
            using T = typename decltype(tag)::type;
            const auto adam = tensors.arguments<T>(settings);
            cpu::projected_adam<T>(adam);
        });
    }
};

}  // namespace
}  // namespace neuralpaint

STABLE_TORCH_LIBRARY_IMPL(neuralpaint, CPU, m) {
    m.impl("projected_adam_", TORCH_BOX(&neuralpaint::projected_adam<neuralpaint::StepOnCpu>));
}
