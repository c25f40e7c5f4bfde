// CUDA's language on the CPU, so that a plain C++ compiler builds csrc/cuda/*.cu and their logic is tested without a
// GPU. Blocks run one after the other, those of a cluster together, and their threads take turns: each runs until it
// waits for its warp, the block or the cluster. In which order they do is the test's choice, so that a result that
// depends on it (a race) comes to light.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <utility>

#include "cuda_runtime_api.h"
#include "work.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static  // blocks do not run at the same time, but for those of a cluster: they must have none

using std::max;
using std::min;

struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

namespace emulation {

struct Index {
    unsigned x;
};

// In which order the threads of a block and the blocks of a launch take their turns.
enum class Order { kForward, kBackward, kShuffled };
inline Order order = Order::kForward;

// Runs `thread` for every thread of every block, `cluster` neighbouring blocks together. Ends the program with a
// message if a barrier is not reached by all.
void run(int64_t blocks, int cluster, int threads, size_t shared_bytes, const std::function<void()>& thread);

void* dynamic_shared();
void wait_for_block();
void wait_for_cluster();
int cluster_blocks();
// Where a block of the cluster has what is at `own` in this one's dynamic shared memory.
void* in_block(void* own, int block);
// How many threads of the block vote so, once all have. Every thread must call it.
int count_in_block(bool vote);

// Gives the warp's lanes each other's values: returns those of all 32. Every lane must call it.
const uint64_t* exchange(uint64_t value);

template <typename T>
uint64_t bits_of(T value) {
    static_assert(sizeof(T) <= sizeof(uint64_t), "a lane's value has 64 bits");
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(T));
    return bits;
}
template <typename T>
T value_of(uint64_t bits) {
    T value;
    std::memcpy(&value, &bits, sizeof(T));
    return value;
}

}  // namespace emulation

inline emulation::Index threadIdx, blockIdx, blockDim, gridDim;

inline void __syncthreads() { emulation::wait_for_block(); }
inline int __syncthreads_count(int vote) { return emulation::count_in_block(vote != 0); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __ffs(unsigned x) { return __builtin_ffs(static_cast<int>(x)); }
inline int __clz(unsigned x) { return x == 0 ? 32 : __builtin_clz(x); }
inline int atomicAdd(int* at, int value) { return std::exchange(*at, *at + value); }
inline unsigned atomicOr(unsigned* at, unsigned value) { return std::exchange(*at, *at | value); }
template <typename T>
void __stcs(T* to, T value) {
    *to = value;
}

template <typename T>
T __shfl_up_sync(unsigned, T value, int offset) {
    const int lane = static_cast<int>(threadIdx.x % 32);
    const uint64_t* lanes = emulation::exchange(emulation::bits_of(value));
    return lane >= offset ? emulation::value_of<T>(lanes[lane - offset]) : value;
}
template <typename T>
T __shfl_down_sync(unsigned, T value, int offset) {
    const int lane = static_cast<int>(threadIdx.x % 32);
    const uint64_t* lanes = emulation::exchange(emulation::bits_of(value));
    return lane + offset < 32 ? emulation::value_of<T>(lanes[lane + offset]) : value;
}
template <typename T>
T __shfl_xor_sync(unsigned, T value, int mask) {
    const int lane = static_cast<int>(threadIdx.x % 32);
    return emulation::value_of<T>(emulation::exchange(emulation::bits_of(value))[lane ^ mask]);
}
inline void __syncwarp() { emulation::exchange(0); }
inline unsigned __ballot_sync(unsigned, bool vote) {
    const uint64_t* lanes = emulation::exchange(vote);
    unsigned votes = 0;
    for (int lane = 0; lane < 32; ++lane) votes |= static_cast<unsigned>(lanes[lane]) << lane;
    return votes;
}
inline bool __any_sync(unsigned mask, bool vote) { return __ballot_sync(mask, vote) != 0; }
