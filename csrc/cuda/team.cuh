// The threads that work on one image together: a block, or on devices that have them a cluster of blocks. Each block of
// a cluster has copies of all maps in its shared memory: a thread reads its own block's, and writes to all of them.
#pragma once

#include "common/scalar.h"
#include "cuda/launch.cuh"

namespace neuralpaint::cuda {

constexpr int kMostBlocks = 8;  // of a cluster, on every device that has clusters

// Cluster: of several blocks. Copies: maps are in shared memory, so that each block has its own.
template <bool Cluster, bool Copies>
class Team {
 public:
    // A number of each warp; of those of a cluster twice, for one reduction and the next.
    static constexpr int kScratch = Cluster ? 2 * 32 * kMostBlocks : 32;

    // All threads must call this and the functions below that wait. `scratch` is shared memory of the block.
    __device__ __forceinline__ explicit Team(double* scratch) : scratch_(scratch) {
        if constexpr (Cluster) sync();  // the other blocks are there
    }

    // The team's number: that of its image.
    __device__ __forceinline__ int64_t number() const { return blockIdx.x / blocks(); }
    __device__ __forceinline__ int thread() const { return rank() * static_cast<int>(blockDim.x) + threadIdx.x; }
    __device__ __forceinline__ int threads() const { return blocks() * static_cast<int>(blockDim.x); }

    // What was put before is there.
    __device__ __forceinline__ void sync() const {
        if constexpr (Cluster) {
            cluster::sync();
        } else {
            __syncthreads();
        }
    }

    // Writes to a map.
    template <typename T, typename Value>
    __device__ __forceinline__ void put(T* to, Value value) const {
        if constexpr (Cluster && Copies) {
            spread(to, static_cast<T>(value));
        } else {
            *to = static_cast<T>(value);
        }
    }

    // The sum over the team, the same in every thread, always added in the same order.
    __device__ __forceinline__ double sum(double value) {
        for (int offset = 16; offset > 0; offset /= 2) value += __shfl_down_sync(0xffffffffu, value, offset);
        const double* const all = gathered(value);
        double total = 0;
#pragma unroll 1
        for (int i = 0; i < warps(); ++i) total += all[i];
        return total;
    }
    // The largest, but for NaN.
    template <typename T>
    __device__ __forceinline__ T largest(T value) {
        for (int offset = 16; offset > 0; offset /= 2) {
            const T other = __shfl_xor_sync(0xffffffffu, value, offset);
            value = other > value ? other : value;
        }
        const double* const all = gathered(static_cast<double>(value));
        double most = all[0];
        for (int i = 1; i < warps(); ++i) most = all[i] > most ? all[i] : most;
        return static_cast<T>(most);
    }
    // Whether any thread says so. Waits as `sync` does.
    __device__ __forceinline__ bool any(bool own) {
        if constexpr (Cluster) return largest(own ? 1.0f : 0.0f) > 0.0f;
        return __syncthreads_count(own) > 0;
    }

 private:
    __device__ __forceinline__ int blocks() const {
        if constexpr (Cluster) return cluster::blocks();
        return 1;
    }
    __device__ __forceinline__ int rank() const {
        if constexpr (Cluster) return cluster::rank();
        return 0;
    }
    __device__ __forceinline__ int warps() const { return threads() / 32; }

    template <typename T>
    __device__ __forceinline__ void spread(T* to, T value) const {
        *to = value;
        for (int i = 1; i < blocks(); ++i) *cluster::at(to, (rank() + i) % blocks()) = value;
    }

    // Those of all warps' first lanes.
    __device__ __forceinline__ const double* gathered(double value) {
        double* numbers = scratch_;
        if constexpr (Cluster) {
            // Of two uses of one half the first is over when all wait in the use between them.
            numbers += odd_ ? kScratch / 2 : 0;
            odd_ = !odd_;
            if (threadIdx.x % 32 == 0) spread(numbers + thread() / 32, value);
        } else {
            __syncthreads();  // earlier ones may still be being read; a register more would be one too many
            if (threadIdx.x % 32 == 0) numbers[threadIdx.x / 32] = value;
        }
        sync();
        return numbers;
    }

    double* scratch_;
    bool odd_ = false;
};

}  // namespace neuralpaint::cuda
