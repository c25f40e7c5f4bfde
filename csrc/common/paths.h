// What pictures of paths are made of: filled and stroked paths of cubic Bezier segments.
#pragma once

#include <cstdint>

#include "common/gradient.h"

namespace neuralpaint {

enum class FillRule : int64_t { kNonZero = 0, kEvenOdd = 1 };
enum class Cap : int64_t { kButt = 0, kRound = 1, kSquare = 2 };
enum class Join : int64_t { kMiter = 0, kRound = 1, kBevel = 2 };

// What all pictures of a batch share. The caller has checked every number.
struct PathShape {
    int64_t batch, segments, contours, paths;
    int height, width;
    const int64_t* layout;       // [contours, 3]: path (never falling), number of segments, whether closed
    const int64_t* styles;       // [paths, 5]: FillRule, Cap, Join, gradient of the fill and of the stroke, -1: none
    const double* miter_limits;  // [paths], at least 1
    int64_t gradients = 0, stops = 0;
    const int64_t* gradient_styles = nullptr;  // [gradients, 3]: GradientKind, Spread, number of stops
};

// points [batch, segments, 4, 2] in pixels; fill, stroke [batch, paths, 4] RGBA and width [batch, paths] in pixels, or
// null. Each path's fill is drawn before its stroke. stops
// [batch, stops, 5] and maps [batch, gradients, 8] as common/gradient.h has them. Where a path has a gradient, its
// opacity multiplies that of the stops, and its RGB is not used.
template <typename T>
struct PathValues {
    const T* points;
    const T* fill;
    const T* stroke;
    const T* width;
    const T* stops = nullptr;
    const T* maps = nullptr;
};

template <typename T>
struct PathGradients {
    T* points;
    T* fill;
    T* stroke;
    T* width;
    T* stops = nullptr;
    T* maps = nullptr;
};

constexpr int kStyles = 5;  // of a path

}  // namespace neuralpaint
