#pragma once

// KJ 0.9.2 leaves these to the compiler in C++20, and clang, by the later rule that a declared `!=`
// stops it from reversing `==`, does not supply them.
#include <kj/string.h>

namespace kj {

inline bool operator==(const char* a, const StringPtr& b) { return StringPtr(a) == b; }
inline bool operator!=(const char* a, const StringPtr& b) { return StringPtr(a) != b; }

}  // namespace kj
