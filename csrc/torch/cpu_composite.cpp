#include <tuple>

#include "cpu/composite.h"
#include "torch/composite_checks.h"
#include "torch/pool.h"

namespace neuralpaint {
namespace {

Tensor composite_cpu(const Tensor& canvas, const Tensor& foreground, const Tensor& alpha) {
    check_composite(canvas, foreground, alpha);
    const Tensor under = to_contiguous(canvas), colour = to_contiguous(foreground), matte = to_contiguous(alpha);
    Tensor output = empty_pooled(canvas, canvas.sizes(), canvas.scalar_type());
    with_floating_type("composite", canvas.scalar_type(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        cpu::composite<T>(data<T>(under), data<T>(colour), data<T>(matte), mutable_data<T>(output), canvas.size(0),
                          foreground.size(1), canvas.size(2) * canvas.size(3));
    });
    return output;
}

std::tuple<Tensor, Tensor, Tensor> composite_backward_cpu(const Tensor& grad, const Tensor& canvas,
                                                          const Tensor& foreground, const Tensor& alpha) {
    check_composite(canvas, foreground, alpha);
    check_composite_grad(grad, canvas);
    const Tensor flowing = to_contiguous(grad), under = to_contiguous(canvas);
    const Tensor colour = to_contiguous(foreground), matte = to_contiguous(alpha);
    Tensor grad_canvas = empty_pooled(canvas, canvas.sizes(), canvas.scalar_type());
    Tensor grad_foreground = empty_pooled(foreground, foreground.sizes(), canvas.scalar_type());
    Tensor grad_alpha = empty_pooled(alpha, alpha.sizes(), canvas.scalar_type());
    with_floating_type("composite_backward", canvas.scalar_type(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        cpu::composite_backward<T>(data<T>(flowing), data<T>(under), data<T>(colour), data<T>(matte),
                                   mutable_data<T>(grad_canvas), mutable_data<T>(grad_foreground),
                                   mutable_data<T>(grad_alpha), canvas.size(0), foreground.size(1),
                                   canvas.size(2) * canvas.size(3));
    });
    return {grad_canvas, grad_foreground, grad_alpha};
}

}  // namespace

STABLE_TORCH_LIBRARY_IMPL(neuralpaint, CPU, m) {
    m.impl("composite", TORCH_BOX(&composite_cpu));
    m.impl("composite_backward", TORCH_BOX(&composite_backward_cpu));
}

}  // namespace neuralpaint
