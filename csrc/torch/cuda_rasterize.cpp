#include <limits>
#include <tuple>

#include "cuda/rasterize.h"
#include "torch/cuda.h"
#include "torch/stroke_checks.h"

namespace neuralpaint {
namespace {

// A launch counts its blocks in 31 bits; the smallest share of a canvas that gets a block of its own is 1024 pixels.
void check_size(int64_t count, int64_t height, int64_t width) {
    constexpr int64_t limit = std::numeric_limits<int>::max();
    NP_CHECK(count <= limit && count * ((height * width + 1023) / 1024) <= limit, "too many strokes for one call");
}

std::tuple<Tensor, Tensor> rasterize_cuda(const Tensor& strokes_, int64_t kind, const Tensor& texture, int64_t height,
                                          int64_t width, double softness, ScalarType dtype) {
    check_rasterize(strokes_, kind, height, width, softness);
    check_size(strokes_.size(0), height, width);
    const DeviceGuard guard(strokes_.get_device_index());
    const Tensor strokes = to_contiguous(strokes_);
    const TextureAtlas atlas = atlas_of(texture, kind, strokes);
    const Output output = output_of(dtype, strokes);
    const int64_t n = strokes.size(0);
    Tensor foreground = make_empty(strokes, {n, 3, height, width}, dtype);
    Tensor alpha = make_empty(strokes, {n, 1, height, width}, dtype);
    with_floating_type("rasterize", strokes.scalar_type(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        const int brush = static_cast<int>(kind);
        const Tensor workspace = make_empty(strokes, {cuda::rasterize_workspace<T>(brush, n)}, ScalarType::Byte);
        cuda::launch_rasterize<T>(data<T>(strokes), n, brush, atlas, static_cast<int>(height), static_cast<int>(width),
                                  static_cast<T>(softness), output, foreground.mutable_data_ptr(),
                                  alpha.mutable_data_ptr(), workspace.mutable_data_ptr(), current_stream(strokes_));
    });
    check_launch();
    return {foreground, alpha};
}

Tensor rasterize_backward_cuda(const Tensor& grad_foreground, const Tensor& grad_alpha, const Tensor& strokes_,
                               int64_t kind, const Tensor& texture, double softness) {
    check_rasterize_grads(grad_foreground, grad_alpha, strokes_, kind, softness);
    const int64_t n = strokes_.size(0), height = grad_alpha.size(2), width = grad_alpha.size(3);
    check_size(n, height, width);
    const DeviceGuard guard(strokes_.get_device_index());
    const Tensor strokes = to_contiguous(strokes_);
    const Tensor by_foreground = to_contiguous(grad_foreground, strokes.scalar_type());
    const Tensor by_alpha = to_contiguous(grad_alpha, strokes.scalar_type());
    const TextureAtlas atlas = atlas_of(texture, kind, strokes);
    Tensor grad = make_empty(strokes);
    with_floating_type("rasterize_backward", strokes.scalar_type(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        const int brush = static_cast<int>(kind), h = static_cast<int>(height), w = static_cast<int>(width);
        const Tensor workspace =
            make_empty(strokes, {cuda::rasterize_backward_workspace<T>(brush, n, h, w)}, ScalarType::Byte);
        cuda::launch_rasterize_backward<T>(data<T>(by_foreground), data<T>(by_alpha), data<T>(strokes), n, brush, atlas,
                                           h, w, static_cast<T>(softness), mutable_data<T>(grad),
                                           workspace.mutable_data_ptr(), current_stream(strokes_));
    });
    check_launch();
    return grad;
}

}  // namespace
}  // namespace neuralpaint

STABLE_TORCH_LIBRARY_IMPL(neuralpaint, CUDA, m) {
    m.impl("rasterize", TORCH_BOX(&neuralpaint::rasterize_cuda));
    m.impl("rasterize_backward", TORCH_BOX(&neuralpaint::rasterize_backward_cuda));
}
