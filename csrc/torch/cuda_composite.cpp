#include <tuple>

#include "cuda/composite.h"
#include "torch/composite_checks.h"
#include "torch/cuda.h"

namespace neuralpaint {
namespace {

Tensor composite_cuda(const Tensor& canvas, const Tensor& foreground, const Tensor& alpha) {
    check_composite(canvas, foreground, alpha);
    const DeviceGuard guard(canvas.get_device_index());
    const Tensor under = to_contiguous(canvas), colour = to_contiguous(foreground), matte = to_contiguous(alpha);
    Tensor output = make_empty(canvas);
    with_floating_type("composite", canvas.scalar_type(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        cuda::launch_composite<T>(data<T>(under), data<T>(colour), data<T>(matte), mutable_data<T>(output),
                                  canvas.size(0), foreground.size(1), canvas.size(2) * canvas.size(3),
                                  current_stream(canvas));
    });
    check_launch();
    return output;
}

std::tuple<Tensor, Tensor, Tensor> composite_backward_cuda(const Tensor& grad, const Tensor& canvas,
                                                           const Tensor& foreground, const Tensor& alpha) {
    check_composite(canvas, foreground, alpha);
    check_composite_grad(grad, canvas);
    const DeviceGuard guard(canvas.get_device_index());
    const int64_t batch = canvas.size(0), strokes = foreground.size(1), pixels = canvas.size(2) * canvas.size(3);
    const Tensor flowing = to_contiguous(grad), under = to_contiguous(canvas);
    const Tensor colour = to_contiguous(foreground), matte = to_contiguous(alpha);
    Tensor grad_canvas = make_empty(canvas);
    Tensor grad_foreground = make_empty(foreground);
    Tensor grad_alpha = make_empty(alpha);
    Tensor workspace = make_empty(canvas, {cuda::composite_workspace(batch, strokes, pixels)}, canvas.scalar_type());
    with_floating_type("composite_backward", canvas.scalar_type(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        cuda::launch_composite_backward<T>(data<T>(flowing), data<T>(under), data<T>(colour), data<T>(matte),
                                           mutable_data<T>(grad_canvas), mutable_data<T>(grad_foreground),
                                           mutable_data<T>(grad_alpha), mutable_data<T>(workspace), batch, strokes,
                                           pixels, current_stream(canvas));
    });
    check_launch();
    return {grad_canvas, grad_foreground, grad_alpha};
}

}  // namespace

STABLE_TORCH_LIBRARY_IMPL(neuralpaint, CUDA, m) {
    m.impl("composite", TORCH_BOX(&composite_cuda));
    m.impl("composite_backward", TORCH_BOX(&composite_backward_cuda));
}

}  // namespace neuralpaint
