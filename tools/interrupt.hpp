#pragma once

/// SIGINT and SIGTERM as a question that a loop asks.
namespace windrow::tools {

/// From now on the first of these signals is remembered, and the second ends the process at once
/// with exit code 130. A closed pipe no longer ends the process either.
void watch_interrupts();

bool interrupted() noexcept;

}  // namespace windrow::tools
