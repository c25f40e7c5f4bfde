// What the operators that render check of their tensors, and how they hand them on, on any device.
#pragma once

#include <cstdint>

#include "torch/stroke_checks.h"

namespace neuralpaint {

inline void check_canvas(const Tensor& canvas, const Tensor& strokes, const Tensor& origin, int64_t kind,
                         double pixels_per_unit) {
    check_strokes(strokes, 3, kind);
    NP_CHECK(canvas.dim() == 4 && canvas.size(1) == 3, "canvas must be [B, 3, H, W], got ", shape_text(canvas));
    NP_CHECK(canvas.size(2) > 0 && canvas.size(3) > 0, "canvas must not be empty");
    check_sides("canvas", canvas.size(2), canvas.size(3));
    NP_CHECK(canvas.size(0) == strokes.size(0), "canvas and strokes must have the same batch size, got ",
             canvas.size(0), " and ", strokes.size(0));
    NP_CHECK(canvas.scalar_type() == strokes.scalar_type() && origin.scalar_type() == strokes.scalar_type(),
             "canvas, strokes and origin must have the same dtype");
    NP_CHECK(origin.dim() == 2 && origin.size(0) == canvas.size(0) && origin.size(1) == 2,
             "origin must be [B, 2], got ", shape_text(origin));
    NP_CHECK(canvas.device() == strokes.device() && origin.device() == strokes.device(),
             "canvas, strokes and origin must be on one device");
    constexpr int64_t limit = (int64_t(1) << 31) - 1;
    NP_CHECK(strokes.size(0) <= limit && strokes.size(1) < limit && strokes.size(0) * (strokes.size(1) + 1) <= limit,
             "too many strokes for one call");
    check_positive("pixels_per_unit", pixels_per_unit, strokes.scalar_type());
}

inline void check_canvas(const Tensor& canvas, const Tensor& strokes, const Tensor& origin, int64_t kind,
                         double pixels_per_unit, double softness) {
    check_canvas(canvas, strokes, origin, kind, pixels_per_unit);
    check_positive("softness", softness, strokes.scalar_type());
}

inline void check_loss_weights(double l1, double l2, const Tensor& canvas) {
    check_weight("l1", l1, canvas.scalar_type());
    check_weight("l2", l2, canvas.scalar_type());
}

inline void check_like_canvas(const char* name, const Tensor& tensor, const Tensor& canvas) {
    NP_CHECK(same_shape(tensor, canvas) && tensor.scalar_type() == canvas.scalar_type() &&
                 tensor.device() == canvas.device(),
             name, " must have the canvas's shape, dtype and device");
}

// A weight for each pixel, or none at all: [B, 0, H, W].
inline void check_pixel_weight(const Tensor& weight, const Tensor& canvas) {
    NP_CHECK(weight.dim() == 4 && weight.size(0) == canvas.size(0) && weight.size(1) <= 1 &&
                 weight.size(2) == canvas.size(2) && weight.size(3) == canvas.size(3),
             "weight must be [B, 1, H, W] for the canvas [B, 3, H, W], or [B, 0, H, W] for none, got ",
             shape_text(weight));
    NP_CHECK(weight.scalar_type() == canvas.scalar_type() && weight.device() == canvas.device(),
             "weight must have the canvas's dtype and device");
}

template <typename T>
Comparison<T> comparison_with(const Tensor& target, const Tensor& weight, double l1, double l2) {
    return {data<T>(target), weight.size(1) == 0 ? nullptr : data<T>(weight), static_cast<T>(l1), static_cast<T>(l2)};
}

template <typename T>
RenderShape<T> render_shape(const Tensor& canvas, const Tensor& strokes, const Tensor& origin, double pixels_per_unit,
                            T softness) {
    return {canvas.size(0),
            strokes.size(1),
            static_cast<int>(canvas.size(2)),
            static_cast<int>(canvas.size(3)),
            static_cast<T>(pixels_per_unit),
            data<T>(origin),
            softness};
}

}  // namespace neuralpaint
