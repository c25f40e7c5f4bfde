// Threads that share a loop and, unlike OpenMP's, neither spin for long nor wait for one that has not begun: on a busy
// machine a thread that gets no processor leaves its share to the others.
#pragma once

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

#include "cpu/parallel.h"

namespace neuralpaint {

// One loop at a time: where the threads are taken, by another thread's loop or by one that encloses this, the caller
// goes through the loop alone. Threads start when they are first wanted and last as long as the process.
class ThreadPool {
 public:
    // The process's pool. A fork's child gets a new one, as it has none of its parent's threads.
    static ThreadPool& shared() {
        static const int watches_forks = pthread_atfork(nullptr, nullptr, [] { instance() = nullptr; });
        static_cast<void>(watches_forks);
        ThreadPool* pool = instance();
        if (pool == nullptr) {
            // Never deleted: its threads may outlive all static objects.
            ThreadPool* const made = new ThreadPool;
            if (instance().compare_exchange_strong(pool, made)) return *made;
            delete made;
        }
        return *pool;
    }

    // As run_parallel, on at most `threads` threads, of which the caller is one.
    void run(int64_t begin, int64_t end, int64_t grain, int64_t threads, RangeTask task, void* context) {
        if (begin >= end) return;
        const int64_t count = end - begin;
        threads = std::min(threads, (count + grain - 1) / grain);
        if (threads <= 1 || inside()) return task(begin, end, context);
        const std::unique_lock<std::mutex> turn(turn_, std::try_to_lock);
        if (!turn.owns_lock()) return task(begin, end, context);
        Loop loop;
        loop.next = begin;
        loop.end = end;
        loop.part = std::max(grain, (count + kParts * threads - 1) / (kParts * threads));
        loop.task = task;
        loop.context = context;
        publish(loop, threads - 1);
        work(loop);
        withdraw();
        if (loop.failure) std::rethrow_exception(loop.failure);
    }

 private:
    // Parts of a loop per thread: more of them even out what threads get done.
    static constexpr int64_t kParts = 4;
    // How long a thread looks for the next loop, and the caller for the end of the others' parts, before they sleep:
    // about as long as it takes to be woken.
    static constexpr std::chrono::microseconds kSpin{30};

    struct Loop {
        std::atomic<int64_t> next{0};
        int64_t end = 0, part = 1;
        RangeTask task = nullptr;
        void* context = nullptr;
        std::mutex mutex;
        std::exception_ptr failure;
    };

    ThreadPool() = default;

    static std::atomic<ThreadPool*>& instance() {
        static std::atomic<ThreadPool*> pool{nullptr};
        return pool;
    }

    // Whether this thread is in a part of a loop.
    static bool& inside() {
        static thread_local bool value = false;
        return value;
    }

    static void pause() {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        asm volatile("yield");
#endif
    }

    template <typename Condition>
    static bool spin(const Condition& condition) {
        const auto until = std::chrono::steady_clock::now() + kSpin;
        do {
            for (int i = 0; i < 8; ++i) {
                if (condition()) return true;
                pause();
            }
        } while (std::chrono::steady_clock::now() < until);
        return false;
    }

    // Takes parts until there are none left, or one has failed.
    static void work(Loop& loop) {
        inside() = true;
        try {
            for (int64_t first = loop.next.fetch_add(loop.part); first < loop.end;
                 first = loop.next.fetch_add(loop.part)) {
                loop.task(first, std::min(first + loop.part, loop.end), loop.context);
            }
        } catch (...) {
            loop.next = loop.end;
            const std::lock_guard<std::mutex> lock(loop.mutex);
            if (!loop.failure) loop.failure = std::current_exception();
        }
        inside() = false;
    }

    void publish(Loop& loop, int64_t helpers) {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            try {
                for (; workers_ < helpers; ++workers_) std::thread([this] { serve(); }).detach();
            } catch (const std::system_error&) {  // no more threads to be had: those that there are will do
            }
            loop_ = &loop;
            places_ = helpers;
            ++published_;
        }
        wake_.notify_all();
    }

    // From here on nobody joins the loop, and nobody is in it.
    void withdraw() {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            loop_ = nullptr;
        }
        if (spin([this] { return busy_ == 0; })) return;
        std::unique_lock<std::mutex> lock(mutex_);
        done_.wait(lock, [this] { return busy_ == 0; });
    }

    // What a thread of the pool does.
    void serve() {
        uint64_t seen = 0;
        for (;;) {
            spin([&] { return published_ != seen; });
            std::unique_lock<std::mutex> lock(mutex_);
            wake_.wait(lock, [&] { return published_ != seen; });
            seen = published_;
            if (loop_ == nullptr || places_ == 0) continue;
            Loop& loop = *loop_;
            --places_;
            ++busy_;
            lock.unlock();
            work(loop);
            lock.lock();
            if (--busy_ == 0) done_.notify_one();
        }
    }

    std::mutex turn_;   // held by the thread whose loop it is
    std::mutex mutex_;  // of what follows; the atomic numbers are read without it too
    std::condition_variable wake_, done_;
    Loop* loop_ = nullptr;
    int64_t places_ = 0;  // threads that may still join the loop
    int64_t workers_ = 0;
    std::atomic<uint64_t> published_{0};  // loops so far
    std::atomic<int64_t> busy_{0};        // threads in the loop, but for its owner
};

}  // namespace neuralpaint
