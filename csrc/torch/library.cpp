// The schemas of the ops and of their backward passes. Kernels register themselves per device beside this file;
// fake kernels and autograd are registered from Python (neuralpaint/ops).
#include "torch/tensors.h"

STABLE_TORCH_LIBRARY(neuralpaint, m) {
    m.def(
        "rasterize(Tensor strokes, int kind, Tensor texture, int height, int width, float softness, ScalarType dtype) "
        "-> (Tensor, Tensor)");
    m.def(
        "rasterize_backward(Tensor grad_foreground, Tensor grad_alpha, Tensor strokes, int kind, Tensor texture, "
        "float softness) -> Tensor");
    m.def("composite(Tensor canvas, Tensor foreground, Tensor alpha) -> Tensor");
    m.def(
        "composite_backward(Tensor grad, Tensor canvas, Tensor foreground, Tensor alpha) -> (Tensor, Tensor, Tensor)");
    m.def(
        "render(Tensor canvas, Tensor strokes, int kind, Tensor texture, Tensor origin, float pixels_per_unit, "
        "float softness) -> Tensor");
    m.def(
        "render_backward(Tensor grad, Tensor canvas, Tensor strokes, int kind, Tensor texture, Tensor origin, "
        "float pixels_per_unit, float softness) -> (Tensor, Tensor)");
    m.def(
        "render_loss(Tensor target, Tensor weight, Tensor canvas, Tensor strokes, int kind, Tensor texture, "
        "Tensor origin, float pixels_per_unit, Tensor softness, float l1, float l2) -> (Tensor, Tensor)");
    m.def(
        "render_paths(Tensor canvas, Tensor points, Tensor fill, Tensor stroke, Tensor width, Tensor stops, "
        "Tensor maps, Tensor contours, Tensor styles, Tensor gradients, Tensor miter_limits) -> Tensor");
    m.def(
        "render_paths_backward(Tensor grad, Tensor canvas, Tensor points, Tensor fill, Tensor stroke, Tensor width, "
        "Tensor stops, Tensor maps, Tensor contours, Tensor styles, Tensor gradients, Tensor miter_limits) -> "
        "(Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)");
    m.def("sinkhorn(Tensor mass_x, Tensor mass_y, float epsilon, int iterations, int cost) -> (Tensor, Tensor)");
    m.def(
        "sinkhorn_backward(Tensor grad, Tensor mass_x, Tensor mass_y, Tensor potentials, float epsilon, int "
        "iterations, "
        "int cost) -> (Tensor, Tensor)");
    m.def(
        "projected_adam_(Tensor(a!) parameters, Tensor(b!) values, Tensor(c!) points, Tensor(d!) mean, "
        "Tensor(e!) square, Tensor(f!) age, Tensor gradient, Tensor rate, Tensor corrections, Tensor scale, "
        "Tensor low, Tensor high, Tensor moves, int wraps, float first, float second, float epsilon, float divisor, "
        "Tensor extra, float extra_factor, Tensor field, float across, float down, float strength, int start, int end, "
        "int size, int sizes) -> ()");
}
