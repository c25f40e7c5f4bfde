#include "torch/pool.h"

#include <cstdint>
#include <cstdlib>
#include <list>
#include <mutex>
#include <new>
#include <vector>
#if defined(__linux__)
#include <sys/mman.h>
#endif

// Stable since torch 2.11, and null in older ones: not declared when an older torch is the target.
extern "C" __attribute__((weak)) AOTITorchError torch_from_blob(
    void* data, int64_t dim, const int64_t* sizes, const int64_t* strides, int64_t offset, int32_t dtype,
    int32_t device_type, int32_t device_index, AtenTensorHandle* result, int32_t layout, const uint8_t* metadata,
    int64_t metadata_size, void (*deleter)(void* data, void* context), void* context);

namespace neuralpaint {
namespace {

constexpr size_t kLeast = size_t(1) << 20;
constexpr size_t kDefaultLimitMiB = 256;
constexpr size_t kAlignment = 64;

// A kept block may be this much larger than what is asked for.
bool fits(size_t block, size_t bytes) { return block >= bytes && block - bytes <= bytes / 4; }

struct Block {
    void* memory;
    size_t bytes;
};

class Pool {
 public:
    Block take(size_t bytes) {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            auto best = kept_.end();
            for (auto it = kept_.begin(); it != kept_.end(); ++it) {
                if (fits(it->bytes, bytes) && (best == kept_.end() || it->bytes < best->bytes)) best = it;
            }
            if (best != kept_.end()) {
                const Block block = *best;
                total_ -= block.bytes;
                kept_.erase(best);
                return block;
            }
        }
        void* memory = nullptr;
        if (posix_memalign(&memory, kAlignment, bytes) != 0) throw std::bad_alloc();
        use_huge_pages(memory, bytes);
        return {memory, bytes};
    }

    // The oldest make room for the newest.
    void give(const Block& block) {
        if (block.bytes > pool_limit()) return std::free(block.memory);
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            total_ += block.bytes;
            kept_.push_back(block);
        }
        shrink(pool_limit());
    }

    size_t kept() {
        const std::lock_guard<std::mutex> lock(mutex_);
        return total_;
    }

    void shrink(size_t limit) {
        std::list<Block> dropped;
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            while (total_ > limit) {
                total_ -= kept_.front().bytes;
                dropped.splice(dropped.end(), kept_, kept_.begin());
            }
        }
        for (const Block& block : dropped) std::free(block.memory);
    }

    // Never destroyed: tensors may outlive every static.
    static Pool& instance() {
        static Pool* pool = new Pool;
        return *pool;
    }

 private:
    // Where the system leaves huge pages to those who ask (Linux's default, "madvise"), there are 512 times fewer pages
    // to map in. Advice only: an error changes nothing.
    static void use_huge_pages(void* memory, size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
        constexpr uintptr_t kHugePage = uintptr_t(2) << 20;
        const auto begin = reinterpret_cast<uintptr_t>(memory);
        const uintptr_t first = (begin + kHugePage - 1) / kHugePage * kHugePage;
        const uintptr_t last = (begin + bytes) / kHugePage * kHugePage;
        if (last > first) (void)madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#else
        (void)memory, (void)bytes;
#endif
    }

    std::mutex mutex_;
    std::list<Block> kept_;  // oldest first
    size_t total_ = 0;
};

void release(void*, void* context) {
    auto* block = static_cast<Block*>(context);
    Pool::instance().give(*block);
    delete block;
}

}  // namespace

Tensor empty_pooled(const Tensor& like, Sizes sizes, ScalarType type) {
    const auto dtype = torch::stable::detail::to<int32_t>(torch::stable::detail::from(type));
    size_t bytes = aoti_torch_dtype_element_size(dtype);
    bool too_many = false;  // torch says so then
    for (const int64_t size : sizes) too_many |= __builtin_mul_overflow(bytes, static_cast<size_t>(size), &bytes);
    if (too_many || bytes < kLeast || pool_limit() == 0 || torch_from_blob == nullptr) {
        return torch::stable::new_empty(like, sizes, type);
    }
    std::vector<int64_t> strides(sizes.size());
    int64_t stride = 1;
    for (size_t i = sizes.size(); i-- > 0;) {
        strides[i] = stride;
        stride *= sizes[i];
    }
    auto* block = new Block(Pool::instance().take(bytes));
    AtenTensorHandle handle = nullptr;
    const AOTITorchError error = torch_from_blob(block->memory, static_cast<int64_t>(sizes.size()), sizes.data(),
                                                 strides.data(), 0, dtype, aoti_torch_device_type_cpu(), -1, &handle,
                                                 aoti_torch_layout_strided(), nullptr, 0, &release, block);
    if (error != TORCH_SUCCESS) {
        release(nullptr, block);
        throw std::runtime_error("torch could not make a tensor of the memory it was given");
    }
    return Tensor(handle);
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

// For the Python module, which finds them by name: it is not linked with this library.
extern "C" __attribute__((visibility("default"))) size_t neuralpaint_pooled_bytes() {
    return neuralpaint::pooled_bytes();
}
extern "C" __attribute__((visibility("default"))) void neuralpaint_empty_pool() { neuralpaint::empty_pool(); }
