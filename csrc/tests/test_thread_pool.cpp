// The pool of threads: every index once, exceptions, loops within loops and beside each other, forks.
#include "torch/thread_pool.h"

#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/check.h"

using namespace neuralpaint;

namespace {

// Calls f(first, last) for parts of [0, count), on up to `threads` threads.
template <typename F>
void loop(int64_t count, int64_t grain, int64_t threads, const F& f) {
    const RangeTask task = [](int64_t first, int64_t last, void* context) {
        (*static_cast<const F*>(context))(first, last);
    };
    ThreadPool::shared().run(0, count, grain, threads, task, const_cast<void*>(static_cast<const void*>(&f)));
}

void test_each_index_once() {
    for (int64_t threads = 1; threads <= 5; ++threads) {
        for (int64_t count : {0, 1, 2, 7, 100, 1001}) {
            std::vector<std::atomic<int>> visits(count);
            loop(count, 3, threads, [&](int64_t first, int64_t last) {
                CHECK(last - first >= 3 || last == count);
                for (int64_t i = first; i < last; ++i) ++visits[i];
            });
            for (const auto& n : visits) CHECK(n == 1);
        }
    }
}

// Each part waits until `threads` of them run at once.
void test_runs_at_once() {
    constexpr int kThreads = 3;
    std::mutex mutex;
    std::condition_variable met;
    std::set<std::thread::id> there;
    loop(kThreads, 1, kThreads, [&](int64_t, int64_t) {
        std::unique_lock<std::mutex> lock(mutex);
        there.insert(std::this_thread::get_id());
        met.notify_all();
        met.wait(lock, [&] { return there.size() == kThreads; });
    });
    CHECK(there.size() == kThreads);
}

void test_exceptions() {
    for (int64_t threads : {1, 4}) {
        bool caught = false;
        try {
            loop(1000, 1, threads, [](int64_t first, int64_t last) {
                if (first <= 500 && 500 < last) throw std::runtime_error("500");
            });
        } catch (const std::runtime_error& error) {
            caught = std::string(error.what()) == "500";
        }
        CHECK(caught);
    }
    test_each_index_once();
}

void test_within_and_beside() {
    std::atomic<int64_t> sum{0};
    const auto nested = [&] {
        loop(20, 1, 4, [&](int64_t first, int64_t last) {
            for (int64_t i = first; i < last; ++i) {
                loop(10, 1, 4, [&](int64_t begin, int64_t end) { sum += end - begin; });
            }
        });
    };
    std::thread other([&] {
        for (int i = 0; i < 200; ++i) nested();
    });
    for (int i = 0; i < 200; ++i) nested();
    other.join();
    CHECK(sum == 2 * 200 * 20 * 10);
}

// Not under qemu's user emulation, which a fork's child cannot start threads in.
#ifndef NEURALPAINT_EMULATED
void test_forks() {
    loop(100, 1, 3, [](int64_t, int64_t) {});
    const pid_t child = fork();
    if (child == 0) {
        test_runs_at_once();
        _exit(check::failures());
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
#endif

}  // namespace

int main() {
    test_each_index_once();
    test_runs_at_once();
    test_exceptions();
    test_within_and_beside();
#ifndef NEURALPAINT_EMULATED
    test_forks();
#endif
    return check::failures();
}
