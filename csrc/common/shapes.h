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

// What a picture is compared with: l1 * sum w|d| + l2 * sum w d^2 with d = picture - target.
template <typename T>
struct Comparison {
    const T* target;  // [batch, 3, height, width]
    const T* weight;  // w [batch, height, width]; null: 1 everywhere
    T l1, l2;
};

enum class TransportCost : int64_t { kSquaredEuclidean = 0, kEuclidean = 1 };

struct SinkhornShape {
    int64_t batch;
    int height, width, iterations;
    double epsilon;
    TransportCost cost;
};

}  // namespace neuralpaint
