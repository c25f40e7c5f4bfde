#include <tuple>

#include "cpu/paths.h"
#include "torch/path_checks.h"
#include "torch/pool.h"

namespace neuralpaint {
namespace {

Tensor render_paths_cpu(const Tensor& canvas_, const Tensor& points_, const Tensor& fill_, const Tensor& stroke_,
                        const Tensor& width_, const Tensor& stops_, const Tensor& maps_, const Tensor& contours,
                        const Tensor& styles, const Tensor& gradients, const Tensor& miter_limits) {
    check_paths(canvas_, points_, fill_, stroke_, width_, stops_, maps_, contours, styles, gradients, miter_limits);
    const Tensor canvas = to_contiguous(canvas_), points = to_contiguous(points_), fill = to_contiguous(fill_),
                 stroke = to_contiguous(stroke_), width = to_contiguous(width_), stops = to_contiguous(stops_),
                 maps = to_contiguous(maps_);
    Tensor out = empty_pooled(canvas, canvas.sizes(), canvas.scalar_type());
    with_floating_type("render_paths", canvas.scalar_type(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        cpu::render_paths<T>(data<T>(canvas), path_values<T>(points, fill, stroke, width, stops, maps),
                             path_shape(canvas, points, contours, styles, gradients, stops, miter_limits),
                             mutable_data<T>(out));
    });
    return out;
}

std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> render_paths_backward_cpu(
    const Tensor& grad_, const Tensor& canvas_, const Tensor& points_, const Tensor& fill_, const Tensor& stroke_,
    const Tensor& width_, const Tensor& stops_, const Tensor& maps_, const Tensor& contours, const Tensor& styles,
    const Tensor& gradients, const Tensor& miter_limits) {
    check_paths(canvas_, points_, fill_, stroke_, width_, stops_, maps_, contours, styles, gradients, miter_limits);
    check_path_grad(grad_, canvas_);
    const Tensor grad = to_contiguous(grad_), canvas = to_contiguous(canvas_), points = to_contiguous(points_),
                 fill = to_contiguous(fill_), stroke = to_contiguous(stroke_), width = to_contiguous(width_),
                 stops = to_contiguous(stops_), maps = to_contiguous(maps_);
    Tensor grad_canvas = empty_pooled(canvas, canvas.sizes(), canvas.scalar_type());
    Tensor grad_points = make_empty(points), grad_fill = make_empty(fill), grad_stroke = make_empty(stroke),
           grad_width = make_empty(width), grad_stops = make_empty(stops), grad_maps = make_empty(maps);
    with_floating_type("render_paths_backward", canvas.scalar_type(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        const auto grads = path_gradients<T>(grad_points, grad_fill, grad_stroke, grad_width, grad_stops, grad_maps);
        cpu::render_paths_backward<T>(data<T>(grad), data<T>(canvas),
                                      path_values<T>(points, fill, stroke, width, stops, maps),
                                      path_shape(canvas, points, contours, styles, gradients, stops, miter_limits),
                                      mutable_data<T>(grad_canvas), grads);
    });
    return {grad_canvas, grad_points, grad_fill, grad_stroke, grad_width, grad_stops, grad_maps};
}

}  // namespace

STABLE_TORCH_LIBRARY_IMPL(neuralpaint, CPU, m) {
    m.impl("render_paths", TORCH_BOX(&render_paths_cpu));
    m.impl("render_paths_backward", TORCH_BOX(&render_paths_backward_cpu));
}

}  // namespace neuralpaint
