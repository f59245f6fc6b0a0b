/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The entry point of every fuzzer; libFuzzer (clang -fsanitize=fuzzer) or fuzz_run.c calls it.
 */
#ifndef RK_FUZZ_H
#define RK_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
