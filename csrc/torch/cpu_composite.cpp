#include <ATen/Dispatch.h>
#include <torch/library.h>

#include <tuple>

#include "cpu/composite.h"
#include "torch/composite_checks.h"
#include "torch/pool.h"

namespace neuralpaint {
namespace {

at::Tensor composite_cpu(const at::Tensor& canvas, const at::Tensor& foreground, const at::Tensor& alpha) {
    check_composite(canvas, foreground, alpha);
    const at::Tensor under = canvas.contiguous(), colour = foreground.contiguous(), matte = alpha.contiguous();
    at::Tensor output = empty_pooled(canvas.sizes(), canvas.options());
    AT_DISPATCH_FLOATING_TYPES(canvas.scalar_type(), "composite", [&] {
        cpu::composite<scalar_t>(under.const_data_ptr<scalar_t>(), colour.const_data_ptr<scalar_t>(),
                                 matte.const_data_ptr<scalar_t>(), output.mutable_data_ptr<scalar_t>(), canvas.size(0),
                                 foreground.size(1), canvas.size(2) * canvas.size(3));
    });
    return output;
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> composite_backward_cpu(const at::Tensor& grad, const at::Tensor& canvas,
                                                                      const at::Tensor& foreground,
                                                                      const at::Tensor& alpha) {
    check_composite(canvas, foreground, alpha);
    check_composite_grad(grad, canvas);
    const at::Tensor flowing = grad.contiguous(), under = canvas.contiguous();
    const at::Tensor colour = foreground.contiguous(), matte = alpha.contiguous();
    at::Tensor grad_canvas = empty_pooled(canvas.sizes(), canvas.options());
    at::Tensor grad_foreground = empty_pooled(foreground.sizes(), canvas.options());
    at::Tensor grad_alpha = empty_pooled(alpha.sizes(), canvas.options());
    AT_DISPATCH_FLOATING_TYPES(canvas.scalar_type(), "composite_backward", [&] {
        cpu::composite_backward<scalar_t>(
            flowing.const_data_ptr<scalar_t>(), under.const_data_ptr<scalar_t>(), colour.const_data_ptr<scalar_t>(),
            matte.const_data_ptr<scalar_t>(), grad_canvas.mutable_data_ptr<scalar_t>(),
            grad_foreground.mutable_data_ptr<scalar_t>(), grad_alpha.mutable_data_ptr<scalar_t>(), canvas.size(0),
            foreground.size(1), canvas.size(2) * canvas.size(3));
    });
    return {grad_canvas, grad_foreground, grad_alpha};
}

}  // namespace

TORCH_LIBRARY_IMPL(neuralpaint, CPU, m) {
    m.impl("composite", &composite_cpu);
    m.impl("composite_backward", &composite_backward_cpu);
}

}  // namespace neuralpaint
