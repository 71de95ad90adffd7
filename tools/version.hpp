#pragma once

namespace windrow::tools {

/// What `--version` prints: `windrow 0.1.0 (commit 0123456789ab)`, with `-dirty` behind the commit
/// if the tree had changes; `windrow` and the package's version if it was built for a package.
/// Written at each build, into the one file that depends on it.
extern const char* const version;

}  // namespace windrow::tools
