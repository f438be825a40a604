/* SPDX-License-Identifier: Apache-2.0 */
/* Copies and fills of few bytes without a call: those of small C libraries take bytes one by one. */
#ifndef EDGEQ_COPY_H
#define EDGEQ_COPY_H

#include <stdint.h>
#include <string.h>

/* In a loop: keeps the compiler from making a call of memcpy or memset of it. */
#define EDGEQ_STAYS_LOOP() __asm__ volatile("")

/* Copies by words where places and count allow, or the core does. */
static inline void edgeq_copy_few(int8_t *to, const int8_t *from, int32_t count)
{
#if !defined(__ARM_FEATURE_UNALIGNED)
    if ((((uintptr_t)to | (uintptr_t)from) & 3u) == 0u)
#endif
    {
        for (; count >= 4; count -= 4, to += 4, from += 4) {
            EDGEQ_STAYS_LOOP();
#if defined(__ARM_FEATURE_UNALIGNED)
            memcpy(to, from, 4);
#else
            memcpy(__builtin_assume_aligned(to, 4), __builtin_assume_aligned(from, 4), 4);
#endif
        }
    }
    for (; count > 0; --count) {
        EDGEQ_STAYS_LOOP();
        *to++ = *from++;
    }
}

/* Sets bytes, by words where the place is aligned to them. */
static inline void edgeq_fill_few(int8_t *to, int32_t value, int32_t count)
{
    const uint32_t word = ((uint32_t)value & 0xffu) * 0x01010101u;

    if (((uintptr_t)to & 3u) == 0u) {
        for (; count >= 4; count -= 4, to += 4) {
            EDGEQ_STAYS_LOOP();
            memcpy(__builtin_assume_aligned(to, 4), &word, 4);
        }
    }
    for (; count > 0; --count) {
        EDGEQ_STAYS_LOOP();
        *to++ = (int8_t)value;
    }
}

#endif
