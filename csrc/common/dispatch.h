// From a brush's number to its stroke type.
#pragma once

#include "common/marker.h"
#include "common/rectangle.h"
#include "common/watercolor.h"

namespace neuralpaint {

template <typename Stroke>
struct StrokeTag {
    using type = Stroke;
};

inline int parameter_count(int kind) {
    switch (kind) {
        case kOil:
            return OilStroke<float>::kParameters;
        case kWatercolor:
            return WatercolorStroke<float>::kParameters;
        case kMarker:
            return MarkerStroke<float>::kParameters;
        case kTape:
            return TapeStroke<float>::kParameters;
        default:
            return 0;
    }
}

// Calls f(StrokeTag<Stroke<T>>) for the brush `kind`; the caller has checked that the kind exists.
template <typename T, typename F>
void with_stroke(int kind, F&& f) {
    switch (kind) {
        case kOil:
            return f(StrokeTag<OilStroke<T>>{});
        case kWatercolor:
            return f(StrokeTag<WatercolorStroke<T>>{});
        case kMarker:
            return f(StrokeTag<MarkerStroke<T>>{});
        default:
            return f(StrokeTag<TapeStroke<T>>{});
    }
}

}  // namespace neuralpaint
