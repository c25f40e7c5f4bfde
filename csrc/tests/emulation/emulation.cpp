// Threads are coroutines: ucontext starts them, and the compiler's own setjmp and longjmp switch between them. Unlike
// swapcontext they ask nothing of the system, and unlike the library's they are not watched by AddressSanitizer, which
// would take every switch for an error of a program with one stack. A thread that waits goes back to the scheduler. A
// warp goes on when all its 32 lanes wait for each other, and as far as it can before the next one has its turn: to the
// block's next barrier.
#include <ucontext.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "cuda_runtime.h"

namespace emulation {
namespace {

enum class State { kRuns, kWaitsForWarp, kWaitsForBlock, kDone };

constexpr size_t kStack = 128 * 1024;

using Place = void* [5];

struct Thread {
    Place place;
    bool started;
    std::unique_ptr<char[]> stack{new char[kStack]};
    State state;
    int counted;  // votes of the block so far
};

std::vector<Thread> threads;
Place scheduler;
int current;
int votes[3];
const std::function<void()>* body;
std::vector<double> shared_memory;

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
            threadIdx.x = static_cast<unsigned>(current);
            resume();
        }
        int waiting = 0;
        for (int lane = 0; lane < 32; ++lane) waiting += lanes[lane].state == State::kWaitsForWarp;
        if (waiting == 0) return;
        if (waiting != 32) fail("some lanes of a warp wait for the others, which are elsewhere");
        for (int lane = 0; lane < 32; ++lane) lanes[lane].state = State::kRuns;
    }
}

void run_block(int count, const std::vector<int64_t>& warp_turns, const std::vector<int64_t>& lane_turns) {
    for (int t = 0; t < count; ++t) {
        threads[t].started = false;
        threads[t].counted = 0;
        threads[t].state = State::kRuns;
    }
    std::fill(votes, votes + 3, 0);
    for (Lanes& lanes : warps) std::fill(lanes.turn, lanes.turn + 32, 0);
    for (;;) {
        for (const int64_t warp : warp_turns) run_warp(&threads[32 * warp], lane_turns);
        int done = 0;
        for (int t = 0; t < count; ++t) done += threads[t].state == State::kDone;
        if (done == count) return;
        if (done > 0) fail("some threads wait at a barrier that others never reach");
        for (int t = 0; t < count; ++t) threads[t].state = State::kRuns;
    }
}

}  // namespace

void run(int64_t blocks, int count, size_t shared_bytes, const std::function<void()>& thread) {
    if (blocks < 1 || blocks > 0x7fffffff || count < 1 || count > 1024 || count % 32 != 0) fail("bad launch");
    if (shared_bytes > static_cast<size_t>(shared_limit)) fail("too much shared memory");
    if (static_cast<int>(threads.size()) < count) threads.resize(count);
    warps.resize(count / 32);
    body = &thread;
    emulation::count(Work::kLaunches, 1);
    blockDim.x = static_cast<unsigned>(count);
    gridDim.x = static_cast<unsigned>(blocks);
    std::mt19937 random(0);
    std::vector<int64_t> block_turns(blocks), warp_turns(count / 32), lane_turns(32);
    arrange(block_turns, random);
    for (const int64_t block : block_turns) {
        arrange(warp_turns, random);
        arrange(lane_turns, random);
        shared_memory.assign(shared_bytes / sizeof(double) + 1, NAN);  // what nobody wrote is not a number
        blockIdx.x = static_cast<unsigned>(block);
        run_block(count, warp_turns, lane_turns);
    }
}

void* dynamic_shared() { return shared_memory.data(); }

void wait_for_block() { leave(State::kWaitsForBlock); }

int count_in_block(bool vote) {
    const int turn = threads[current].counted++;
    votes[turn % 3] += vote;
    wait_for_block();
    votes[(turn + 2) % 3] = 0;  // of the turn before, which all have read, and after the next
    return votes[turn % 3];
}

const uint64_t* exchange(uint64_t value) {
    const unsigned lane = threadIdx.x % 32;
    Lanes& lanes = warps[threadIdx.x / 32];
    uint64_t* const values = lanes.values[lanes.turn[lane]++ % 2];
    values[lane] = value;
    leave(State::kWaitsForWarp);
    return values;
}

}  // namespace emulation
