// Arithmetic that takes denormal numbers for zero, in this thread, while the object lives: for sums that can do without
// them, as they are slow on some processors.
#pragma once

#include <cstdint>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace neuralpaint::cpu {

class FlushDenormals {
 public:
    FlushDenormals() : FlushDenormals(true) {}
    ~FlushDenormals() { set_control(saved_); }
    FlushDenormals(const FlushDenormals&) = delete;
    FlushDenormals& operator=(const FlushDenormals&) = delete;

 protected:
    explicit FlushDenormals(bool flush) : saved_(control()) { set_control(flush ? saved_ | kFlush : saved_ & ~kFlush); }

 private:
#if defined(__SSE2__)
    using Control = unsigned;
    static constexpr Control kFlush = 0x8040;  // results (FTZ) and operands (DAZ)
    static Control control() { return _mm_getcsr(); }
    static void set_control(Control value) { _mm_setcsr(value); }
#elif defined(__aarch64__)
    using Control = uint64_t;
    static constexpr Control kFlush = uint64_t(1) << 24;  // FZ: results and operands
    static Control control() {
        Control value;
        asm volatile("mrs %0, fpcr" : "=r"(value));
        return value;
    }
    static void set_control(Control value) { asm volatile("msr fpcr, %0" : : "r"(value)); }
#else
    using Control = unsigned;
    static constexpr Control kFlush = 0;
    static Control control() { return 0; }
    static void set_control(Control) {}
#endif
    Control saved_;
};

// Arithmetic that keeps them, while the object lives, within a part of the code that does not.
class KeepDenormals : public FlushDenormals {
 public:
    KeepDenormals() : FlushDenormals(false) {}
};

}  // namespace neuralpaint::cpu
