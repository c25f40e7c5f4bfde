// The Python module neuralpaint._C: what was built, which of it this processor can run, and the memory pool. It is
// compiled for any processor and needs no torch; the kernels are in libraries of their own, which `load` opens.
#include <dlfcn.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstddef>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "python/processor.h"

namespace {

using Names = std::vector<std::string>;

// The words of a comma-separated list.
Names words(const char* list) {
    Names found;
    std::istringstream stream(list);
    for (std::string word; std::getline(stream, word, ',');) found.push_back(word);
    return found;
}

Names missing(const std::string& level) {
    return neuralpaint::missing_features(level == "native" ? words(NEURALPAINT_NATIVE_FEATURES)
                                                           : neuralpaint::level_features(level));
}

size_t (*pooled_bytes)() = nullptr;
void (*empty_pool)() = nullptr;

// Opens a library of kernels, whose static initialisers register the operators with torch. Never closed.
void load(const std::string& path) {
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(dlerror());
    // The CUDA library has no pool.
    if (void* symbol = dlsym(library, "neuralpaint_pooled_bytes")) {
        pooled_bytes = reinterpret_cast<size_t (*)()>(symbol);
        empty_pool = reinterpret_cast<void (*)()>(dlsym(library, "neuralpaint_empty_pool"));
    }
}

}  // namespace

PYBIND11_MODULE(_C, module) {
    module.attr("levels") = words(NEURALPAINT_LEVELS);
    module.attr("has_cuda") = NEURALPAINT_CUDA[0] == '\0';
    module.attr("no_cuda_reason") = NEURALPAINT_CUDA;
    module.attr("compiler") = NEURALPAINT_COMPILER;
    module.attr("torch_version") = NEURALPAINT_TORCH;
    module.def("missing", &missing, pybind11::arg("level"));
    module.def("load", &load, pybind11::arg("path"));
    module.def("pooled_bytes", [] { return pooled_bytes == nullptr ? size_t(0) : pooled_bytes(); });
    module.def("empty_pool", [] {
        if (empty_pool != nullptr) empty_pool();
    });
}
