#include <limits>
#include <tuple>

#include "cuda/render.h"
#include "torch/cuda.h"
#include "torch/render_checks.h"

namespace neuralpaint {
namespace {

void check_arguments(const Tensor& canvas, const Tensor& strokes, int64_t kind, const Tensor& texture,
                     const Tensor& origin) {
    check_canvas(canvas, strokes, origin, kind);
    NP_CHECK(canvas.device() == strokes.device() && origin.device() == strokes.device() &&
                 (!reads_texture(static_cast<int>(kind)) || texture.device() == strokes.device()),
             "canvas, strokes, origin and texture must be on one device");
    constexpr int64_t limit = std::numeric_limits<int>::max();
    NP_CHECK(canvas.size(2) <= 65536 && canvas.size(3) <= 65536 &&
                 canvas.size(0) * ((canvas.size(2) + 15) / 16) * ((canvas.size(3) + 15) / 16) <= limit,
             "the canvas is too large for one call: ", shape_text(canvas));
}

Tensor render_cuda(const Tensor& canvas_, const Tensor& strokes_, int64_t kind, const Tensor& texture,
                   const Tensor& origin_, double pixels_per_unit, double softness) {
    check_arguments(canvas_, strokes_, kind, texture, origin_);
    NP_CHECK(softness > 0, "softness must be positive, got ", softness);
    const DeviceGuard guard(canvas_.get_device_index());
    const Tensor canvas = to_contiguous(canvas_), strokes = to_contiguous(strokes_), origin = to_contiguous(origin_);
    const TextureAtlas atlas = atlas_of(texture, kind);
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
    check_arguments(canvas_, strokes_, kind, texture, origin_);
    NP_CHECK(softness > 0, "softness must be positive, got ", softness);
    check_like_canvas("grad", grad_, canvas_);
    const DeviceGuard guard(canvas_.get_device_index());
    const Tensor grad = to_contiguous(grad_), canvas = to_contiguous(canvas_), strokes = to_contiguous(strokes_),
                 origin = to_contiguous(origin_);
    const TextureAtlas atlas = atlas_of(texture, kind);
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

std::tuple<Tensor, Tensor> render_loss_cuda(const Tensor& target_, const Tensor& canvas_, const Tensor& strokes_,
                                            int64_t kind, const Tensor& texture, const Tensor& origin_,
                                            double pixels_per_unit, const Tensor& softness, double l1, double l2) {
    check_arguments(canvas_, strokes_, kind, texture, origin_);
    check_softness(softness, strokes_);
    check_like_canvas("target", target_, canvas_);
    const DeviceGuard guard(canvas_.get_device_index());
    const Tensor target = to_contiguous(target_), canvas = to_contiguous(canvas_), strokes = to_contiguous(strokes_),
                 origin = to_contiguous(origin_);
    const TextureAtlas atlas = atlas_of(texture, kind);
    Tensor losses = make_empty(canvas, {canvas.size(0), 2}, canvas.scalar_type());
    Tensor grad_strokes = make_empty(strokes);
    with_floating_type("render_loss", canvas.scalar_type(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        const int brush = static_cast<int>(kind);
        auto shape = render_shape<T>(canvas, strokes, origin, pixels_per_unit, 1.0);
        shape.softness_at = data<T>(softness);
        const Tensor workspace = make_empty(canvas, {cuda::render_loss_workspace<T>(brush, shape)}, ScalarType::Byte);
        cuda::launch_render_loss<T>(data<T>(target), data<T>(canvas), data<T>(strokes), brush, atlas, shape,
                                    static_cast<T>(l1), static_cast<T>(l2), mutable_data<T>(losses),
                                    mutable_data<T>(grad_strokes), workspace.mutable_data_ptr(),
                                    current_stream(canvas_));
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
