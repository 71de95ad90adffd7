#pragma once

/// Marks what libwindrow exports: everything else in it is hidden. Behind a class it marks all that
/// the class declares, in front of a function that function. What is marked is an interface that
/// other programs have been built against.
#define WINDROW_EXPORT __attribute__((visibility("default")))
/// Takes a part of a marked class out again.
#define WINDROW_INTERNAL __attribute__((visibility("hidden")))
