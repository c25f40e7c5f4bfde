// What the kernels do, counted while they are emulated: NP_COUNT of cuda/launch.cuh adds to it, and costs nothing on a
// GPU.
#pragma once

#include <cstdint>

namespace emulation {

enum class Work {
    kLaunches,
    kBoxTests,     // stroke's box against a tile or a pixel's block of the canvas
    kMaskWords,    // words of 32 strokes' bits that a tile reads
    kSamples,      // strokes evaluated at a pixel
    kWarpSamples,  // the same by warps: a warp is as slow whether one of its lanes evaluates or all do
    kCurvePoints,  // of those, points of a curve whose distance was taken
    kCovers,       // samples that cover the pixel
    kGradients,    // covers whose derivatives were added up
    kBytes,        // of device memory, read and written
    kExponentials,
    kKinds
};

inline int64_t work[static_cast<int>(Work::kKinds)];

inline void count(Work kind, int64_t amount) { work[static_cast<int>(kind)] += amount; }

}  // namespace emulation
