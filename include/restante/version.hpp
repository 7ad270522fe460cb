// The version of the library, and the only place that holds it: CMake reads it from here.
#pragma once

namespace restante {

inline constexpr int version_major = 0;
inline constexpr int version_minor = 1;
inline constexpr int version_patch = 0;

/// "major.minor.patch".
inline constexpr const char* version = "0.1.0";

}  // namespace restante
