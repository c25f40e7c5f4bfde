#include "python/processor.h"

#include <cstdint>
#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace neuralpaint {
namespace {

#if defined(__x86_64__)

enum Register { kEax, kEbx, kEcx, kEdx };
// What the operating system must save of it, when it changes threads.
enum State { kAlways, kAvx, kAvx512 };

struct Feature {
    const char* name;
    uint32_t leaf, subleaf;
    Register where;
    int bit;
    State state;
};

constexpr Feature kFeatures[] = {
    {"SSE3", 1, 0, kEcx, 0, kAlways},
    {"PCLMUL", 1, 0, kEcx, 1, kAlways},
    {"SSSE3", 1, 0, kEcx, 9, kAlways},
    {"FMA", 1, 0, kEcx, 12, kAvx},
    {"SSE4_1", 1, 0, kEcx, 19, kAlways},
    {"SSE4_2", 1, 0, kEcx, 20, kAlways},
    {"MOVBE", 1, 0, kEcx, 22, kAlways},
    {"POPCNT", 1, 0, kEcx, 23, kAlways},
    {"AES", 1, 0, kEcx, 25, kAlways},
    {"AVX", 1, 0, kEcx, 28, kAvx},
    {"F16C", 1, 0, kEcx, 29, kAvx},
    {"BMI", 7, 0, kEbx, 3, kAlways},
    {"AVX2", 7, 0, kEbx, 5, kAvx},
    {"BMI2", 7, 0, kEbx, 8, kAlways},
    {"AVX512F", 7, 0, kEbx, 16, kAvx512},
    {"AVX512DQ", 7, 0, kEbx, 17, kAvx512},
    {"ADX", 7, 0, kEbx, 19, kAlways},
    {"AVX512IFMA", 7, 0, kEbx, 21, kAvx512},
    {"AVX512CD", 7, 0, kEbx, 28, kAvx512},
    {"SHA", 7, 0, kEbx, 29, kAlways},
    {"AVX512BW", 7, 0, kEbx, 30, kAvx512},
    {"AVX512VL", 7, 0, kEbx, 31, kAvx512},
    {"AVX512VBMI", 7, 0, kEcx, 1, kAvx512},
    {"AVX512VBMI2", 7, 0, kEcx, 6, kAvx512},
    {"GFNI", 7, 0, kEcx, 8, kAlways},
    {"VAES", 7, 0, kEcx, 9, kAvx},
    {"VPCLMULQDQ", 7, 0, kEcx, 10, kAvx},
    {"AVX512VNNI", 7, 0, kEcx, 11, kAvx512},
    {"AVX512BITALG", 7, 0, kEcx, 12, kAvx512},
    {"AVX512VPOPCNTDQ", 7, 0, kEcx, 14, kAvx512},
    {"AVX512VP2INTERSECT", 7, 0, kEdx, 8, kAvx512},
    {"AVX512FP16", 7, 0, kEdx, 23, kAvx512},
    {"AVXVNNI", 7, 1, kEax, 4, kAvx},
    {"AVX512BF16", 7, 1, kEax, 5, kAvx512},
    {"AVXIFMA", 7, 1, kEax, 23, kAvx},
    {"LZCNT", 0x80000001, 0, kEcx, 5, kAlways},
    {"SSE4A", 0x80000001, 0, kEcx, 6, kAlways},
    {"XOP", 0x80000001, 0, kEcx, 11, kAvx},
    {"FMA4", 0x80000001, 0, kEcx, 16, kAvx},
};

// The bits of XCR0: which registers the operating system saves.
bool saved(State state) {
    if (state == kAlways) return true;
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1)) return false;
    uint32_t low, high;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    const uint32_t wanted = state == kAvx ? 0x6 : 0xe6;
    return (low & wanted) == wanted;
}

bool has(const std::string& name) {
    for (const Feature& feature : kFeatures) {
        if (name != feature.name) continue;
        unsigned found[4];
        return __get_cpuid_count(feature.leaf, feature.subleaf, &found[0], &found[1], &found[2], &found[3]) &&
               (found[feature.where] >> feature.bit & 1) && saved(feature.state);
    }
    return false;
}

#elif defined(__aarch64__) && defined(__linux__)

struct Feature {
    const char* name;
    unsigned long type;
    int bit;
};

constexpr Feature kFeatures[] = {
    {"ARM_NEON", AT_HWCAP, 1},
    {"ARM_FEATURE_ATOMICS", AT_HWCAP, 8},
    {"ARM_FEATURE_FP16_VECTOR_ARITHMETIC", AT_HWCAP, 10},
    {"ARM_FEATURE_DOTPROD", AT_HWCAP, 20},
    {"ARM_FEATURE_SVE", AT_HWCAP, 22},
    {"ARM_FEATURE_SVE2", AT_HWCAP2, 1},
    {"ARM_FEATURE_MATMUL_INT8", AT_HWCAP2, 13},
    {"ARM_FEATURE_BF16", AT_HWCAP2, 14},
};

bool has(const std::string& name) {
    for (const Feature& feature : kFeatures) {
        if (name == feature.name) return getauxval(feature.type) >> feature.bit & 1;
    }
    return false;
}

#else

bool has(const std::string&) { return true; }

#endif

}  // namespace

std::vector<std::string> missing_features(const std::vector<std::string>& names) {
    std::vector<std::string> missing;
    for (const std::string& name : names) {
        if (!has(name)) missing.push_back(name);
    }
    return missing;
}

std::vector<std::string> level_features(const std::string& level) {
    const bool v4 = level == "x86-64-v4", v3 = v4 || level == "x86-64-v3", v2 = v3 || level == "x86-64-v2";
    std::vector<std::string> names;
    if (v2) names = {"SSE3", "SSSE3", "SSE4_1", "SSE4_2", "POPCNT"};
    if (v3) {
        for (const char* name : {"AVX", "AVX2", "BMI", "BMI2", "F16C", "FMA", "LZCNT", "MOVBE"}) names.push_back(name);
    }
    if (v4) {
        for (const char* name : {"AVX512F", "AVX512BW", "AVX512CD", "AVX512DQ", "AVX512VL"}) names.push_back(name);
    }
    return names;
}

}  // namespace neuralpaint
