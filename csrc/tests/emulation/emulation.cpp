// Threads are coroutines: ucontext starts them, and the compiler's own setjmp and longjmp switch between them. Unlike
// swapcontext they ask nothing of the system, and unlike the library's they are not watched by AddressSanitizer, which
// would take every switch for an error of a program with one stack. A thread that waits goes back to the scheduler. A
// warp goes on when all its 32 lanes wait for each other, and as far as it can before the next one has its turn: to the
// block's or the cluster's next barrier.
#include <ucontext.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "cuda_runtime.h"

namespace emulation {
namespace {

enum class State { kRuns, kWaitsForWarp, kWaitsForBlock, kWaitsForCluster, kDone };

constexpr size_t kStack = 128 * 1024;

using Place = void* [5];

struct Thread {
    Place place;
    bool started;
    std::unique_ptr<char[]> stack{new char[kStack]};
    State state;
    int counted;  // votes of the block so far
};

std::vector<Thread> threads;  // of all blocks of a cluster
Place scheduler;
int current;
const std::function<void()>* body;

struct Block {
    int votes[3];
    std::vector<double> shared_memory;
};
std::vector<Block> cluster;

// What the lanes of each warp hand each other. Two sets in turn: nobody can be two exchanges ahead of a lane that still
// reads.
struct Lanes {
    uint64_t values[2][32];
    int turn[32];
};
std::vector<Lanes> warps;

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "emulation: block %u: %s\n", blockIdx.x, what);
    std::abort();
}

// A function of its own: the two must not be in one.
[[noreturn]] __attribute__((noinline)) void jump(Place& place) { __builtin_longjmp(place, 1); }

__attribute__((noinline)) void leave(State state) {
    threads[current].state = state;
    if (__builtin_setjmp(threads[current].place) == 0) jump(scheduler);
}

void enter() {
    (*body)();
    leave(State::kDone);
}

__attribute__((noinline)) void start(Thread& thread) {
    ucontext_t context;
    getcontext(&context);
    context.uc_stack.ss_sp = thread.stack.get();
    context.uc_stack.ss_size = kStack;
    makecontext(&context, enter, 0);
    setcontext(&context);
}

// Lets the current thread run until it leaves.
__attribute__((noinline)) void resume() {
    if (__builtin_setjmp(scheduler) != 0) return;
    Thread& thread = threads[current];
    if (thread.started) jump(thread.place);
    thread.started = true;
    start(thread);
}

void arrange(std::vector<int64_t>& turns, std::mt19937& random) {
    std::iota(turns.begin(), turns.end(), 0);
    if (order == Order::kBackward) std::reverse(turns.begin(), turns.end());
    if (order == Order::kShuffled) std::shuffle(turns.begin(), turns.end(), random);
}

// Runs a warp until all its lanes wait for the block or are done.
void run_warp(Thread* lanes, const std::vector<int64_t>& turns) {
    for (;;) {
        for (const int64_t lane : turns) {
            if (lanes[lane].state != State::kRuns) continue;
            current = static_cast<int>(lanes - threads.data() + lane);
            threadIdx.x = static_cast<unsigned>(current % static_cast<int>(blockDim.x));
            resume();
        }
        int waiting = 0;
        for (int lane = 0; lane < 32; ++lane) waiting += lanes[lane].state == State::kWaitsForWarp;
        if (waiting == 0) return;
        if (waiting != 32) fail("some lanes of a warp wait for the others, which are elsewhere");
        for (int lane = 0; lane < 32; ++lane) lanes[lane].state = State::kRuns;
    }
}

// Runs a block until all its threads wait for the cluster or are done, and says which.
State run_block(Thread* own, int count, const std::vector<int64_t>& warp_turns,
                const std::vector<int64_t>& lane_turns) {
    for (;;) {
        for (const int64_t warp : warp_turns) run_warp(own + 32 * warp, lane_turns);
        for (const State state : {State::kDone, State::kWaitsForCluster}) {
            const auto is = [&](const Thread& thread) { return thread.state == state; };
            const auto found = std::count_if(own, own + count, is);
            if (found == count) return state;
            if (found > 0) fail("some threads wait at a barrier that others never reach");
        }
        for (int t = 0; t < count; ++t) own[t].state = State::kRuns;
    }
}

void run_cluster(int64_t first, int count, const std::vector<int64_t>& block_turns,
                 const std::vector<int64_t>& warp_turns, const std::vector<int64_t>& lane_turns) {
    for (Thread& thread : threads) {
        thread.started = false;
        thread.counted = 0;
        thread.state = State::kRuns;
    }
    for (Lanes& lanes : warps) std::fill(lanes.turn, lanes.turn + 32, 0);
    for (;;) {
        size_t done = 0;
        for (const int64_t block : block_turns) {
            blockIdx.x = static_cast<unsigned>(first + block);
            done += run_block(&threads[block * count], count, warp_turns, lane_turns) == State::kDone;
        }
        if (done == block_turns.size()) return;
        if (done > 0) fail("some blocks wait at a barrier that others never reach");
        for (Thread& thread : threads) thread.state = State::kRuns;
    }
}

}  // namespace

void run(int64_t blocks, int size, int count, size_t shared_bytes, const std::function<void()>& thread) {
    if (blocks < 1 || blocks > 0x7fffffff || count < 1 || count > 1024 || count % 32 != 0) fail("bad launch");
    if (size < 1 || size > largest_cluster || blocks % size != 0) fail("bad clusters");
    if (shared_bytes > static_cast<size_t>(shared_limit)) fail("too much shared memory");
    threads.resize(size * count);
    warps.resize(size * count / 32);
    cluster.resize(size);
    body = &thread;
    emulation::count(Work::kLaunches, 1);
    blockDim.x = static_cast<unsigned>(count);
    gridDim.x = static_cast<unsigned>(blocks);
    std::mt19937 random(0);
    std::vector<int64_t> cluster_turns(blocks / size), block_turns(size), warp_turns(count / 32), lane_turns(32);
    arrange(cluster_turns, random);
    for (const int64_t turn : cluster_turns) {
        arrange(block_turns, random);
        arrange(warp_turns, random);
        arrange(lane_turns, random);
        for (Block& block : cluster) {
            std::fill(block.votes, block.votes + 3, 0);
            block.shared_memory.assign(shared_bytes / sizeof(double) + 1, NAN);  // what nobody wrote is not a number
        }
        run_cluster(turn * size, count, block_turns, warp_turns, lane_turns);
    }
}

int cluster_blocks() { return static_cast<int>(cluster.size()); }

void* dynamic_shared() { return cluster[blockIdx.x % cluster.size()].shared_memory.data(); }

void* in_block(void* own, int block) {
    const auto offset = static_cast<char*>(own) - static_cast<char*>(dynamic_shared());
    std::vector<double>& memory = cluster[block].shared_memory;
    if (offset < 0 || offset >= static_cast<std::ptrdiff_t>(memory.size() * sizeof(double))) fail("not shared memory");
    return reinterpret_cast<char*>(memory.data()) + offset;
}

void wait_for_cluster() { leave(State::kWaitsForCluster); }

void wait_for_block() { leave(State::kWaitsForBlock); }

int count_in_block(bool vote) {
    int* const votes = cluster[blockIdx.x % cluster.size()].votes;
    const int turn = threads[current].counted++;
    votes[turn % 3] += vote;
    wait_for_block();
    votes[(turn + 2) % 3] = 0;  // of the turn before, which all have read, and after the next
    return votes[turn % 3];
}

const uint64_t* exchange(uint64_t value) {
    const unsigned lane = threadIdx.x % 32;
    Lanes& lanes = warps[current / 32];
    uint64_t* const values = lanes.values[lanes.turn[lane]++ % 2];
    values[lane] = value;
    leave(State::kWaitsForWarp);
    return values;
}

}  // namespace emulation
