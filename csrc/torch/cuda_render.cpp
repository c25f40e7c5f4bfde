#include <limits>
#include <tuple>

#include "cuda/render.h"
#include "torch/cuda.h"
#include "torch/render_checks.h"

namespace neuralpaint {
namespace {

// A launch counts its blocks in 31 bits.
void check_size(const Tensor& canvas) {
    constexpr int64_t limit = std::numeric_limits<int>::max();
    NP_CHECK(canvas.size(2) <= 65536 && canvas.size(3) <= 65536 && canvas.size(0) <= limit &&
                 canvas.size(0) * ((canvas.size(2) + 15) / 16) * ((canvas.size(3) + 15) / 16) <= limit,
             "the canvas is too large for one call: ", shape_text(canvas));
}

Tensor render_cuda(const Tensor& canvas_, const Tensor& strokes_, int64_t kind, const Tensor& texture,
                   const Tensor& origin_, double pixels_per_unit, double softness) {
    check_canvas(canvas_, strokes_, origin_, kind, pixels_per_unit, softness);
    check_size(canvas_);
    const DeviceGuard guard(canvas_.get_device_index());
    const Tensor canvas = to_contiguous(canvas_), strokes = to_contiguous(strokes_), origin = to_contiguous(origin_);
    const TextureAtlas atlas = atlas_of(texture, kind, strokes);
    Tensor out = make_empty(canvas);
    with_floating_type("render", canvas.scalar_type(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        const int brush = static_cast<int>(kind);
        const auto shape = render_shape<T>(canvas, strokes, origin, pixels_per_unit, softness);
        const Tensor workspace = make_empty(canvas, {cuda::render_workspace<T>(brush, shape)}, ScalarType::Byte);
        cuda::launch_render<T>(data<T>(canvas), data<T>(strokes), brush, atlas, shape, mutable_data<T>(out),
                               workspace.mutable_data_ptr(), current_stream(canvas_));
    });
    check_launch();
    return out;
}

std::tuple<Tensor, Tensor> render_backward_cuda(const Tensor& grad_, const Tensor& canvas_, const Tensor& strokes_,
                                                int64_t kind, const Tensor& texture, const Tensor& origin_,
                                                double pixels_per_unit, double softness) {
    check_canvas(canvas_, strokes_, origin_, kind, pixels_per_unit, softness);
    check_size(canvas_);
    check_like_canvas("grad", grad_, canvas_);
    const DeviceGuard guard(canvas_.get_device_index());
    const Tensor grad = to_contiguous(grad_), canvas = to_contiguous(canvas_), strokes = to_contiguous(strokes_),
                 origin = to_contiguous(origin_);
    const TextureAtlas atlas = atlas_of(texture, kind, strokes);
    Tensor grad_canvas = make_empty(canvas);
    Tensor grad_strokes = make_empty(strokes);
    with_floating_type("render_backward", canvas.scalar_type(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        const int brush = static_cast<int>(kind);
        const auto shape = render_shape<T>(canvas, strokes, origin, pixels_per_unit, softness);
        const Tensor workspace =
            make_empty(canvas, {cuda::render_backward_workspace<T>(brush, shape)}, ScalarType::Byte);
        cuda::launch_render_backward<T>(data<T>(grad), data<T>(canvas), data<T>(strokes), brush, atlas, shape,
                                        mutable_data<T>(grad_canvas), mutable_data<T>(grad_strokes),
                                        workspace.mutable_data_ptr(), current_stream(canvas_));
    });
    check_launch();
    return {grad_canvas, grad_strokes};
}

std::tuple<Tensor, Tensor> render_loss_cuda(const Tensor& target_, const Tensor& weight_, const Tensor& canvas_,
                                            const Tensor& strokes_, int64_t kind, const Tensor& texture,
                                            const Tensor& origin_, double pixels_per_unit, const Tensor& softness,
                                            double l1, double l2) {
    check_canvas(canvas_, strokes_, origin_, kind, pixels_per_unit);
    check_loss_weights(l1, l2, canvas_);
    check_size(canvas_);
    check_softness(softness, strokes_);
    check_like_canvas("target", target_, canvas_);
    check_pixel_weight(weight_, canvas_);
    const DeviceGuard guard(canvas_.get_device_index());
    const Tensor target = to_contiguous(target_), weight = to_contiguous(weight_), canvas = to_contiguous(canvas_),
                 strokes = to_contiguous(strokes_), origin = to_contiguous(origin_);
    const TextureAtlas atlas = atlas_of(texture, kind, strokes);
    Tensor losses = make_empty(canvas, {canvas.size(0), 2}, canvas.scalar_type());
    Tensor grad_strokes = make_empty(strokes);
    with_floating_type("render_loss", canvas.scalar_type(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        const int brush = static_cast<int>(kind);
        auto shape = render_shape<T>(canvas, strokes, origin, pixels_per_unit, 1.0);
        shape.softness_at = data<T>(softness);
        const Tensor workspace = make_empty(canvas, {cuda::render_loss_workspace<T>(brush, shape)}, ScalarType::Byte);
        cuda::launch_render_loss<T>(comparison_with<T>(target, weight, l1, l2), data<T>(canvas), data<T>(strokes),
                                    brush, atlas, shape, mutable_data<T>(losses), mutable_data<T>(grad_strokes),
                                    workspace.mutable_data_ptr(), current_stream(canvas_));
    });
    check_launch();
    return {losses, grad_strokes};
}

}  // namespace
}  // namespace neuralpaint

STABLE_TORCH_LIBRARY_IMPL(neuralpaint, CUDA, m) {
    m.impl("render", TORCH_BOX(&neuralpaint::render_cuda));
    m.impl("render_backward", TORCH_BOX(&neuralpaint::render_backward_cuda));
    m.impl("render_loss", TORCH_BOX(&neuralpaint::render_loss_cuda));
}
