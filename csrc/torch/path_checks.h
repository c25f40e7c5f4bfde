// What the kernels of render_paths need so as not to read outside their arguments.
#pragma once

#include "common/paths.h"
#include "torch/tensors.h"

namespace neuralpaint {

constexpr int64_t kMostPaths = int64_t(1) << 30;

inline void check_path_tensor(const char* name, const Tensor& tensor, const Tensor& canvas) {
    NP_CHECK(tensor.scalar_type() == canvas.scalar_type(), name, " must have the canvas's dtype, ",
             dtype_text(canvas.scalar_type()), ", got ", dtype_text(tensor.scalar_type()));
    NP_CHECK(tensor.device() == canvas.device(), name, " must be on the canvas's device, ", device_text(canvas));
    NP_CHECK(tensor.dim() > 0 && tensor.size(0) == canvas.size(0), name, " must have the canvas's batch size, ",
             canvas.size(0), ", got shape ", shape_text(tensor));
}

// [B, P, 4], or [B, 0, 4] where nothing is filled or stroked.
inline void check_path_colors(const char* name, const Tensor& colors, int64_t paths, const Tensor& canvas) {
    check_path_tensor(name, colors, canvas);
    NP_CHECK(colors.dim() == 3 && colors.size(2) == 4 && (colors.size(1) == paths || colors.size(1) == 0), name,
             " must be [B, P, 4] with P = ", paths, " paths, or [B, 0, 4], got ", shape_text(colors));
}

// gradients [G, 3]: kind, spread and number of stops, which together are the K of stops [B, K, 5]; maps [B, G, 8].
inline void check_gradients(const Tensor& stops, const Tensor& maps, const Tensor& gradients, const Tensor& canvas) {
    NP_CHECK(gradients.is_cpu() && gradients.scalar_type() == ScalarType::Long && gradients.dim() == 2 &&
                 gradients.size(1) == 3 && gradients.is_contiguous(),
             "gradients must be a contiguous int64 tensor [G, 3] on the CPU");
    check_path_tensor("stops", stops, canvas);
    check_path_tensor("maps", maps, canvas);
    NP_CHECK(stops.dim() == 3 && stops.size(2) == kStopNumbers, "stops must be [B, K, 5], got ", shape_text(stops));
    NP_CHECK(maps.dim() == 3 && maps.size(1) == gradients.size(0) && maps.size(2) == kMapNumbers,
             "maps must be [B, G, 8] with G = ", gradients.size(0), " gradients, got ", shape_text(maps));
    NP_CHECK(stops.size(1) < kMostPaths && maps.size(1) < kMostPaths, "stops must be fewer than ", kMostPaths);
    const auto* numbers = data<int64_t>(gradients);
    int64_t sum = 0;
    for (int64_t g = 0; g < gradients.size(0); ++g, numbers += 3) {
        NP_CHECK(numbers[0] >= 0 && numbers[0] <= 1 && numbers[1] >= 0 && numbers[1] <= 2,
                 "gradients must be numbers of a kind and a spread, got ", numbers[0], " and ", numbers[1]);
        NP_CHECK(numbers[2] >= 1 && numbers[2] <= stops.size(1) - sum,
                 "gradients must have at least one stop each, and all of them together the ", stops.size(1),
                 " of stops, got ", numbers[2]);
        sum += numbers[2];
    }
    NP_CHECK(sum == stops.size(1), "gradients must have the ", stops.size(1), " stops, got ", sum);
}

inline void check_miter_limits(const Tensor& limits, int64_t paths) {
    NP_CHECK(limits.is_cpu() && limits.scalar_type() == ScalarType::Double && limits.dim() == 1 &&
                 limits.size(0) == paths && limits.is_contiguous(),
             "miter_limits must be a contiguous float64 tensor [P] on the CPU, with P = ", paths, " paths");
    const auto* limit = data<double>(limits);
    for (int64_t p = 0; p < paths; ++p) {
        NP_CHECK(limit[p] >= 1 && limit[p] <= 100, "miter_limits must be from 1 to 100, got ", limit[p]);
    }
}

inline void check_path_layout(const Tensor& contours, const Tensor& styles, int64_t segments, int64_t gradients) {
    NP_CHECK(contours.is_cpu() && contours.scalar_type() == ScalarType::Long && contours.dim() == 2 &&
                 contours.size(1) == 3 && contours.is_contiguous(),
             "contours must be a contiguous int64 tensor [C, 3] on the CPU");
    NP_CHECK(styles.is_cpu() && styles.scalar_type() == ScalarType::Long && styles.dim() == 2 && styles.size(1) == 5 &&
                 styles.is_contiguous(),
             "styles must be a contiguous int64 tensor [P, 5] on the CPU");
    const int64_t paths = styles.size(0), most[5] = {1, 2, 2, gradients - 1, gradients - 1},
                  least[5] = {0, 0, 0, -1, -1};
    NP_CHECK(paths < kMostPaths && segments < kMostPaths, "points must make at most ", kMostPaths,
             " segments and paths");
    const auto* style = data<int64_t>(styles);
    for (int64_t i = 0; i < 5 * paths; ++i) {
        NP_CHECK(style[i] >= least[i % 5] && style[i] <= most[i % 5],
                 "styles must be numbers of a fill rule, cap, join and two gradients, got ", style[i]);
    }
    const auto* contour = data<int64_t>(contours);
    int64_t path = 0, sum = 0;
    for (int64_t c = 0; c < contours.size(0); ++c, contour += 3) {
        NP_CHECK(contour[0] >= path && contour[0] < paths,
                 "contours must be in the order of their paths, of which "
                 "there are ",
                 paths, ", got path ", contour[0], " after ", path);
        NP_CHECK(contour[1] >= 1 && contour[1] <= segments - sum,
                 "contours must have at least one segment each, and all of them together the ", segments,
                 " of points, got ", contour[1]);
        path = contour[0], sum += contour[1];
    }
    NP_CHECK(sum == segments, "contours must have the ", segments, " segments of points, got ", sum);
}

inline void check_paths(const Tensor& canvas, const Tensor& points, const Tensor& fill, const Tensor& stroke,
                        const Tensor& width, const Tensor& stops, const Tensor& maps, const Tensor& contours,
                        const Tensor& styles, const Tensor& gradients, const Tensor& miter_limits) {
    NP_CHECK(canvas.dim() == 4 && canvas.size(1) == 3, "canvas must be [B, 3, H, W], got ", shape_text(canvas));
    check_sides("canvas", canvas.size(2), canvas.size(3));
    NP_CHECK(canvas.size(2) >= 1 && canvas.size(3) >= 1 && canvas.size(2) <= 65536 && canvas.size(3) <= 65536,
             "canvas must have sides from 1 to 65536, got ", shape_text(canvas));
    check_path_tensor("points", points, canvas);
    NP_CHECK(points.dim() == 4 && points.size(2) == 4 && points.size(3) == 2, "points must be [B, S, 4, 2], got ",
             shape_text(points));
    check_gradients(stops, maps, gradients, canvas);
    check_path_layout(contours, styles, points.size(1), gradients.size(0));
    const int64_t paths = styles.size(0);
    check_path_colors("fill", fill, paths, canvas);
    check_path_colors("stroke", stroke, paths, canvas);
    check_path_tensor("width", width, canvas);
    NP_CHECK(width.dim() == 2 && width.size(1) == stroke.size(1), "width must be [B, P], as many as strokes, ",
             stroke.size(1), ", got ", shape_text(width));
    check_miter_limits(miter_limits, paths);
}

inline PathShape path_shape(const Tensor& canvas, const Tensor& points, const Tensor& contours, const Tensor& styles,
                            const Tensor& gradients, const Tensor& stops, const Tensor& miter_limits) {
    return {canvas.size(0),
            points.size(1),
            contours.size(0),
            styles.size(0),
            static_cast<int>(canvas.size(2)),
            static_cast<int>(canvas.size(3)),
            data<int64_t>(contours),
            data<int64_t>(styles),
            data<double>(miter_limits),
            gradients.size(0),
            stops.size(1),
            data<int64_t>(gradients)};
}

inline void check_path_grad(const Tensor& grad, const Tensor& canvas) {
    NP_CHECK(same_shape(grad, canvas) && grad.scalar_type() == canvas.scalar_type() && grad.device() == canvas.device(),
             "grad must match canvas");
}

template <typename T>
PathValues<T> path_values(const Tensor& points, const Tensor& fill, const Tensor& stroke, const Tensor& width,
                          const Tensor& stops, const Tensor& maps) {
    const bool fills = fill.size(1) > 0, strokes = stroke.size(1) > 0;
    return {data<T>(points),
            fills ? data<T>(fill) : nullptr,
            strokes ? data<T>(stroke) : nullptr,
            strokes ? data<T>(width) : nullptr,
            data<T>(stops),
            data<T>(maps)};
}

// Where the derivatives go, none where nothing is filled or stroked.
template <typename T>
PathGradients<T> path_gradients(const Tensor& points, const Tensor& fill, const Tensor& stroke, const Tensor& width,
                                const Tensor& stops, const Tensor& maps) {
    const bool fills = fill.size(1) > 0, strokes = stroke.size(1) > 0;
    return {mutable_data<T>(points),
            fills ? mutable_data<T>(fill) : nullptr,
            strokes ? mutable_data<T>(stroke) : nullptr,
            strokes ? mutable_data<T>(width) : nullptr,
            mutable_data<T>(stops),
            mutable_data<T>(maps)};
}

}  // namespace neuralpaint
