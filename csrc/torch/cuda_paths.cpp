#include <tuple>
#include <vector>

#include "cuda/paths.h"
#include "torch/cuda.h"
#include "torch/path_checks.h"

namespace neuralpaint {
namespace {

// Memory for a call from torch's allocator, which gives it to nobody else before the stream is done with it.
class Buffers {
 public:
    explicit Buffers(const Tensor& like) : like_(like) {}
    cuda::Allocate allocate() {
        return [this](int64_t bytes) -> void* {
            buffers_.push_back(make_empty(like_, {bytes}, ScalarType::Byte));
            return buffers_.back().mutable_data_ptr();
        };
    }

 private:
    const Tensor& like_;
    std::vector<Tensor> buffers_;
};

Tensor render_paths_cuda(const Tensor& canvas_, const Tensor& points_, const Tensor& fill_, const Tensor& stroke_,
                         const Tensor& width_, const Tensor& stops_, const Tensor& maps_, const Tensor& contours,
                         const Tensor& styles, const Tensor& gradients, const Tensor& miter_limits) {
    check_paths(canvas_, points_, fill_, stroke_, width_, stops_, maps_, contours, styles, gradients, miter_limits);
    const DeviceGuard guard(canvas_.get_device_index());
    const Tensor canvas = to_contiguous(canvas_), points = to_contiguous(points_), fill = to_contiguous(fill_),
                 stroke = to_contiguous(stroke_), width = to_contiguous(width_), stops = to_contiguous(stops_),
                 maps = to_contiguous(maps_);
    Tensor out = make_empty(canvas);
    Buffers buffers(canvas);
    with_floating_type("render_paths", canvas.scalar_type(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        cuda::launch_render_paths<T>(data<T>(canvas), path_values<T>(points, fill, stroke, width, stops, maps),
                                     path_shape(canvas, points, contours, styles, gradients, stops, miter_limits),
                                     mutable_data<T>(out), buffers.allocate(), current_stream(canvas));
    });
    check_launch();
    return out;
}

std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> render_paths_backward_cuda(
    const Tensor& grad_, const Tensor& canvas_, const Tensor& points_, const Tensor& fill_, const Tensor& stroke_,
    const Tensor& width_, const Tensor& stops_, const Tensor& maps_, const Tensor& contours, const Tensor& styles,
    const Tensor& gradients, const Tensor& miter_limits) {
    check_paths(canvas_, points_, fill_, stroke_, width_, stops_, maps_, contours, styles, gradients, miter_limits);
    check_path_grad(grad_, canvas_);
    const DeviceGuard guard(canvas_.get_device_index());
    const Tensor grad = to_contiguous(grad_), canvas = to_contiguous(canvas_), points = to_contiguous(points_),
                 fill = to_contiguous(fill_), stroke = to_contiguous(stroke_), width = to_contiguous(width_),
                 stops = to_contiguous(stops_), maps = to_contiguous(maps_);
    Tensor grad_canvas = make_empty(canvas), grad_points = make_empty(points), grad_fill = make_empty(fill),
           grad_stroke = make_empty(stroke), grad_width = make_empty(width), grad_stops = make_empty(stops),
           grad_maps = make_empty(maps);
    Buffers buffers(canvas);
    with_floating_type("render_paths_backward", canvas.scalar_type(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        const auto grads = path_gradients<T>(grad_points, grad_fill, grad_stroke, grad_width, grad_stops, grad_maps);
        cuda::launch_render_paths_backward<T>(
            data<T>(grad), data<T>(canvas), path_values<T>(points, fill, stroke, width, stops, maps),
            path_shape(canvas, points, contours, styles, gradients, stops, miter_limits), mutable_data<T>(grad_canvas),
            grads, buffers.allocate(), current_stream(canvas));
    });
    check_launch();
    return {grad_canvas, grad_points, grad_fill, grad_stroke, grad_width, grad_stops, grad_maps};
}

}  // namespace

STABLE_TORCH_LIBRARY_IMPL(neuralpaint, CUDA, m) {
    m.impl("render_paths", TORCH_BOX(&render_paths_cuda));
    m.impl("render_paths_backward", TORCH_BOX(&render_paths_backward_cuda));
}

}  // namespace neuralpaint
