#include "torch/pool.h"

#include <ATen/EmptyTensor.h>
#include <ATen/ops/empty.h>
#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <list>
#include <mutex>
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace neuralpaint {
namespace {

constexpr size_t kLeast = size_t(1) << 20;
constexpr size_t kDefaultLimitMiB = 256;

// A kept block may be this much larger than what is asked for.
bool fits(size_t block, size_t bytes) { return block >= bytes && block - bytes <= bytes / 4; }

struct Block {
    c10::DataPtr memory;
    size_t bytes;
};

class Pool final : public c10::Allocator {
 public:
    c10::DataPtr allocate(size_t bytes) override {
        Block block{c10::DataPtr(), bytes};
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            auto best = kept_.end();
            for (auto it = kept_.begin(); it != kept_.end(); ++it) {
                if (fits(it->bytes, bytes) && (best == kept_.end() || it->bytes < best->bytes)) best = it;
            }
            if (best != kept_.end()) {
                total_ -= best->bytes;
                block = std::move(*best);
                kept_.erase(best);
            }
        }
        if (!block.memory) {
            block.memory = c10::GetCPUAllocator()->allocate(bytes);
            on_huge_pages(block);
        }
        void* data = block.memory.get();
        auto* owner = new Block(std::move(block));
        return {data, owner, &release, c10::Device(c10::DeviceType::CPU)};
    }
    c10::DeleterFnPtr raw_deleter() const override { return nullptr; }
    void copy_data(void* to, const void* from, size_t count) const override { std::memcpy(to, from, count); }

    size_t kept() {
        const std::lock_guard<std::mutex> lock(mutex_);
        return total_;
    }

    void shrink(size_t limit) {
        std::list<Block> dropped;  // freed after the lock
        const std::lock_guard<std::mutex> lock(mutex_);
        while (total_ > limit) {
            total_ -= kept_.front().bytes;
            dropped.splice(dropped.end(), kept_, kept_.begin());
        }
    }

    // Never destroyed: tensors may outlive every static.
    static Pool& instance() {
        static Pool* pool = new Pool;
        return *pool;
    }

 private:
    static void release(void* context) { instance().keep(static_cast<Block*>(context)); }

    // The oldest make room for the newest.
    void keep(Block* block) {
        if (block->bytes <= pool_limit()) {
            {
                const std::lock_guard<std::mutex> lock(mutex_);
                total_ += block->bytes;
                kept_.push_back(std::move(*block));
            }
            shrink(pool_limit());
        }
        delete block;
    }

    // Where the system leaves huge pages to those who ask (Linux's default, "madvise"), there are 512 times fewer pages
    // to map in. Advice only: an error changes nothing.
    static void on_huge_pages(const Block& block) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
        constexpr uintptr_t kHugePage = uintptr_t(2) << 20;
        const auto begin = reinterpret_cast<uintptr_t>(block.memory.get());
        const uintptr_t first = (begin + kHugePage - 1) / kHugePage * kHugePage;
        const uintptr_t last = (begin + block.bytes) / kHugePage * kHugePage;
        if (last > first) (void)madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#else
        (void)block;
#endif
    }

    std::mutex mutex_;
    std::list<Block> kept_;  // oldest first
    size_t total_ = 0;
};

}  // namespace

at::Tensor empty_pooled(at::IntArrayRef sizes, const at::TensorOptions& options) {
    const auto type = c10::typeMetaToScalarType(options.dtype());
    int64_t bytes = static_cast<int64_t>(c10::elementSize(type));
    for (const int64_t size : sizes) bytes *= size;
    if (bytes < static_cast<int64_t>(kLeast) || pool_limit() == 0) return at::empty(sizes, options);
    return at::detail::empty_generic(sizes, &Pool::instance(), c10::DispatchKeySet(c10::DispatchKey::CPU), type,
                                     std::nullopt);
}

size_t pooled_bytes() { return Pool::instance().kept(); }

void empty_pool() { Pool::instance().shrink(0); }

size_t pool_limit() {
    static const size_t limit = [] {
        const char* text = std::getenv("NEURALPAINT_POOL_MIB");
        char* end = nullptr;
        const unsigned long long mib = text ? std::strtoull(text, &end, 10) : 0;
        return size_t(text && end != text ? mib : kDefaultLimitMiB) << 20;
    }();
    return limit;
}

}  // namespace neuralpaint
