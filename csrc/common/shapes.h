// What the launchers of both back ends are told beside their arrays.
#pragma once

#include <cstdint>

namespace neuralpaint {

// The numbers that rasterize stores: those it computes with, or rounded from them (bytes: round(255 x)).
enum class Output { kSame, kHalf, kBFloat16, kByte };

template <typename T>
struct RenderShape {
    int64_t batch, strokes;
    int height, width;
    T scale;          // pixels per unit
    const T* origin;  // [batch, 2], units
    T softness;
    const T* softness_at = nullptr;  // CUDA: if set, where on the device the softness is read instead
};

enum class TransportCost : int64_t { kSquaredEuclidean = 0, kEuclidean = 1 };

struct SinkhornShape {
    int64_t batch;
    int height, width, iterations;
    double epsilon;
    TransportCost cost;
};

}  // namespace neuralpaint
