/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sums of convolutions for cores with the vector extension, of windows that lie in memory side by side: two output
 * pixels by four channels at a time. Elsewhere portable C with equal results.
 *
 * Sixteen input bytes of both pixels and four channels, 128 MACs, cost 14 instructions: six loads, eight VMLADAVA,
 * whose sums take all even registers. The input's offset is part of the bias, so that pixels need none. A row of a
 * window, kernel width times channels, is contiguous.
 */
#ifndef EDGEQ_MVE_TILES_H
#define EDGEQ_MVE_TILES_H

#include "edgeq_mve.h"
#include "edgeq_window.h"

/* What all windows have in common. */
typedef struct {
    int32_t rows;     /* of a window */
    int32_t steps;    /* of sixteen bytes in a row, but for the last one */
    int32_t last;     /* bytes of the last step, 1 ... 16 */
    int32_t channels; /* of the output */
    edgeq_output out;
} edgeq_tiles;

/* Words of a table's record beside the weights: bias, multiplier and shift of four channels. */
#define QUANT_WORDS 12

/* The words of a record. */
static inline int32_t record_words(const edgeq_tiles *v)
{
    return 16 * (v->steps + 1) * v->rows + QUANT_WORDS;
}

/* Whether saturation to int8 is all that limits, and cuts off what is below the zero point. */
static inline bool is_plain(edgeq_output out)
{
    return EDGEQ_HAS_SHORT_CUTS && out.offset == -128 && out.low == -128 && out.high == 127;
}

#if defined(__ARM_FEATURE_MVE)

/* What the tiles of two pixels read from memory; they have no register left. */
typedef struct {
    const int8_t *x[2];
    int8_t *y[2];
    int32_t rows;
    int32_t rounds;     /* of four steps, the first of which may begin with its second, third or last */
    int32_t rest;       /* from the end of the whole steps to the next row */
    const int32_t *end; /* of the table */
} tile_state;

/* Sixteen bytes of two pixels, in p and q, by four channels. */
#define MAC(w, sum_p, sum_q)                                   \
    "vldrb.u8 " w ", [r5], #16\n\t"         \
    "vmladava.s8 " sum_p ", q0, " w "\n\t" \
    "vmladava.s8 " sum_q ", q1, " w "\n\t"
#define MACS MAC("q2", "r0", "r8") MAC("q3", "r2", "r10") MAC("q2", "r4", "r12") MAC("q3", "r6", "lr")
#define STEP                             \
    "vldrb.u8 q0, [r1], #16\n\t" \
    "vldrb.u8 q1, [r3], #16\n\t" MACS
#define STEP_BYTES 56
#define BIAS                                 \
    "ldrd r4, r6, [r5, #8]\n\t" \
    "ldrd r12, lr, [r5, #8]\n\t" \
    "ldrd r0, r2, [r5]\n\t"     \
    "ldrd r8, r10, [r5], #16\n\t"

/* The sums of both pixels to v and w, and from there to four bytes at i and at j, which move on. */
#define FINISH(fix, limit)                            \
    "vmov q2[2], q2[0], r0, r4\n\t"     \
    "vmov q2[3], q2[1], r2, r6\n\t"     \
    "vldrw.u32 q4, [r5], #16\n\t"              \
    "vmov q3[2], q3[0], r8, r12\n\t"     \
    "vqrdmulh.s32 q2, q2, q4\n\t"          \
    "vmov q3[3], q3[1], r10, lr\n\t"     \
    "vqrdmulh.s32 q3, q3, q4\n\t" fix      \
    "vldrw.u32 q4, [r5], #16\n\t"              \
    "vrshl.s32 q2, q2, q4\n\t"             \
    "vrshl.s32 q3, q3, q4\n\t"             \
    limit                                      \
    "vstrb.32 q2, [r1], #4\n\t"                \
    "vstrb.32 q3, [r3], #4\n\t"

/* By saturation alone where the zero point is the least int8: both pixels in the halves of one vector's lanes. */
#define SATURATE                              \
    "vqmovnb.s32 q2, q2\n\t"                  \
    "vqmovnt.s32 q2, q3\n\t"                  \
    "vqadd.s16 q2, q2, %q[offset]\n\t"        \
    "vqmovnb.s16 q2, q2\n\t"                  \
    "vshr.u32 q3, q2, #16\n\t"
#define LIMIT                                 \
    "vadd.i32 q2, q2, %q[offset]\n\t"         \
    "vadd.i32 q3, q3, %q[offset]\n\t"         \
    "vmax.s32 q2, q2, %q[low]\n\t"            \
    "vmax.s32 q3, q3, %q[low]\n\t"            \
    "vmin.s32 q2, q2, %q[high]\n\t"           \
    "vmin.s32 q3, q3, %q[high]\n\t"
/* y - [y < 0]; see edgeq_requantize_x4. */
#define FIX                                   \
    "vshr.s32 q4, q2, #31\n\t"      \
    "vadd.i32 q2, q2, q4\n\t"    \
    "vshr.s32 q4, q3, #31\n\t"      \
    "vadd.i32 q3, q3, q4\n\t"
#define NO_FIX ""

/*
 * P0 is set once: only the last step of a row looks at it. r7 holds the bytes of code that the first round of four steps
 * skips.
 */
#define TILES(fix, limit)                                                        \
    "vmsr p0, r9\n"                                                       \
    "1:\n\t"                                                              \
    "ldrd r1, r3, %[x]\n\t"                                               \
    "ldr r11, %[rows]\n\t" BIAS "2:\n\t"                                  \
    "ldr r9, %[rounds]\n\t"                                               \
    "add pc, r7\n\t"                                                      \
    "nop\n"                                                               \
    "3:\n\t" STEP STEP STEP STEP "subs r9, #1\n\t"                        \
    "bgt 3b\n\t"                                                          \
    "vpstt\n\t"                                                           \
    "vldrbt.u8 q0, [r1]\n\t"                                              \
    "vldrbt.u8 q1, [r3]\n\t" MACS "subs r11, #1\n\t"                      \
    "beq 4f\n\t"                                                          \
    "ldr r9, %[rest]\n\t"                                                 \
    "add r1, r9\n\t"                                                      \
    "add r3, r9\n\t"                                                      \
    "b 2b\n"                                                              \
    "4:\n\t"                                                              \
    "ldrd r1, r3, %[y]\n\t" FINISH(fix, limit) "ldr r9, %[end]\n\t"              \
    "strd r1, r3, %[y]\n\t"                                               \
    "cmp r5, r9\n\t"                                                      \
    "bne 1b\n\t"

/* Windows of one row that has up to four steps but for the last. */
#define ROW_TILES(fix, limit)                                                    \
    "vmsr p0, r9\n\t"                                                     \
    "ldr r9, %[end]\n"                                                    \
    "1:\n\t"                                                              \
    "ldrd r1, r3, %[x]\n\t" BIAS "add pc, r7\n\t"                         \
    "nop\n\t" STEP STEP STEP STEP "vpstt\n\t"                             \
    "vldrbt.u8 q0, [r1]\n\t"                                              \
    "vldrbt.u8 q1, [r3]\n\t" MACS "ldrd r1, r3, %[y]\n\t" FINISH(fix, limit)     \
    "cmp r5, r9\n\t"                                                      \
    "strd r1, r3, %[y]\n\t"                                               \
    "bne 1b\n\t"

/* Windows with rows of up to sixteen bytes. */
#define COLUMN_TILES(fix, limit)                                                 \
    "vmsr p0, r9\n\t"                                                     \
    "ldr r9, %[rest]\n\t"                                                 \
    "ldr r7, %[end]\n"                                                    \
    "1:\n\t"                                                              \
    "ldrd r1, r3, %[x]\n\t"                                               \
    "ldr r11, %[rows]\n\t" BIAS "2:\n\t"                                  \
    "vpstt\n\t"                                                           \
    "vldrbt.u8 q0, [r1]\n\t"                                              \
    "vldrbt.u8 q1, [r3]\n\t" MACS "subs r11, #1\n\t"                      \
    "add r1, r9\n\t"                                                      \
    "add r3, r9\n\t"                                                      \
    "bne 2b\n\t"                                                          \
    "ldrd r1, r3, %[y]\n\t" FINISH(fix, limit) "cmp r5, r7\n\t"                  \
    "strd r1, r3, %[y]\n\t"                                               \
    "bne 1b\n\t"

/* Windows with rows of whole sixteens, up to twelve of them: nothing is masked, and r7 skips the steps that there are not. */
#define WHOLE_TILES(fix, limit)                                                  \
    "1:\n\t"                                                              \
    "ldrd r1, r3, %[x]\n\t"                                               \
    "ldr r11, %[rows]\n\t"                                                \
    "ldr r9, %[rest]\n\t" BIAS "2:\n\t"                                  \
    "add pc, r7\n\t"                                                      \
    "nop\n\t" STEP STEP STEP STEP STEP STEP                            \
    STEP STEP STEP STEP STEP STEP "subs r11, #1\n\t"           \
    "add r1, r9\n\t"                                                      \
    "add r3, r9\n\t"                                                      \
    "bne 2b\n\t"                                                          \
    "ldrd r1, r3, %[y]\n\t" FINISH(fix, limit) "ldr r9, %[end]\n\t"             \
    "strd r1, r3, %[y]\n\t"                                               \
    "cmp r5, r9\n\t"                                                      \
    "bne 1b\n\t"
#define MOST_WHOLE 12

static inline bool is_whole(const edgeq_tiles *v)
{
    return EDGEQ_HAS_SHORT_CUTS && v->rows > 1 && v->last == 16 && v->steps < MOST_WHOLE;
}

/* Windows of up to sixteen bytes, which stay in q0 and q1. */
#define SHORT_TILES(fix, limit)                                                  \
    "vmsr p0, r9\n\t"                                                     \
    "ldrd r1, r3, %[x]\n\t"                                               \
    "ldr r9, %[end]\n\t"                                                  \
    "vpstt\n\t"                                                           \
    "vldrbt.u8 q0, [r1]\n\t"                                              \
    "vldrbt.u8 q1, [r3]\n\t"                                              \
    "ldrd r1, r3, %[y]\n"                                                 \
    "1:\n\t" BIAS MACS FINISH(fix, limit) "cmp r5, r9\n\t"                       \
    "bne 1b\n\t"                                                          \
    "strd r1, r3, %[y]\n\t"

/*
 * All channels of `pairs` times two pixels, their windows `step` bytes apart from x on, rows of windows `pitch` bytes
 * apart; the results from y on, as many bytes apart as they have channels. VMLADAVA sums in even registers; all are
 * taken, so that the assembly has to say who gets which. Where the number of channels is no multiple of four, the last
 * record is of the last four: some are computed again.
 */
#define DEFINE_CONVOLVE(name, code)                                                                                 \
    static EDGEQ_NOINLINE void name(const edgeq_tiles *v, const int8_t *x, int32_t step, int32_t pitch,             \
                                    const int32_t *table, int8_t *y, int32_t y_step, int32_t pairs)                 \
    {                                                                                                               \
        const int32x4_t offset =                                                                                    \
            is_plain(v->out) ? vreinterpretq_s32_s16(vdupq_n_s16(-128)) : vdupq_n_s32(v->out.offset);               \
        const int32x4_t low = vdupq_n_s32(v->out.low);                                                              \
        const int32x4_t high = vdupq_n_s32(v->out.high);                                                            \
        const int32_t words = record_words(v);                                                                      \
        const int32_t *const whole = table + v->channels / 4 * words;                                               \
        const int32_t odd = v->channels & 3;                                                                        \
        const int32_t first_step = is_whole(v) ? MOST_WHOLE - 1 - v->steps : v->steps > 0 ? -v->steps & 3 : 4;      \
        tile_state t;                                                                                               \
                                                                                                                    \
        t.rows = v->rows;                                                                                           \
        t.rounds = (v->steps + 3) / 4;                                                                              \
        t.rest = pitch - 16 * (v->steps + (is_whole(v) ? 1 : 0));                                                   \
        for (; pairs > 0; --pairs, x += 2 * step, y += 2 * y_step) {                                                \
            register const int32_t *k __asm__("r5") = table;                                                        \
            t.x[0] = x;                                                                                             \
            t.x[1] = x + step;                                                                                      \
            t.y[0] = y;                                                                                             \
            t.y[1] = y + y_step;                                                                                    \
            t.end = whole;                                                                                          \
            for (;;) {                                                                                              \
                register int32_t skipped __asm__("r7") = first_step * STEP_BYTES;                                   \
                register uint32_t mask __asm__("r9") = vctp8q((uint32_t)v->last);                                   \
                                                                                                                    \
                __asm__ volatile(code                                                                               \
                                 : "+r"(k), "+r"(mask), "+r"(skipped), [y] "+m"(t.y)                                \
                                 : [x] "m"(t.x), [rows] "m"(t.rows), [rounds] "m"(t.rounds), [rest] "m"(t.rest),    \
                                   [end] "m"(t.end), [offset] "w"(offset), [low] "w"(low), [high] "w"(high)         \
                                 : "r0", "r1", "r2", "r3", "r4", "r6", "r8", "r10", "r11", "r12", "lr", "q0", "q1", \
                                   "q2", "q3", "q4", "cc", "memory");                                               \
                if (odd == 0 || t.end != whole) {                                                                   \
                    break;                                                                                          \
                }                                                                                                   \
                t.end += words;                                                                                     \
                t.y[0] -= 4 - odd;                                                                                  \
                t.y[1] -= 4 - odd;                                                                                  \
            }                                                                                                       \
        }                                                                                                           \
    }

DEFINE_CONVOLVE(convolve_any, TILES(FIX, LIMIT))
DEFINE_CONVOLVE(convolve_any_plain, TILES(NO_FIX, SATURATE))
DEFINE_CONVOLVE(convolve_row, ROW_TILES(FIX, LIMIT))
DEFINE_CONVOLVE(convolve_row_plain, ROW_TILES(NO_FIX, SATURATE))
DEFINE_CONVOLVE(convolve_column, COLUMN_TILES(FIX, LIMIT))
DEFINE_CONVOLVE(convolve_column_plain, COLUMN_TILES(NO_FIX, SATURATE))
DEFINE_CONVOLVE(convolve_whole, WHOLE_TILES(FIX, LIMIT))
DEFINE_CONVOLVE(convolve_whole_plain, WHOLE_TILES(NO_FIX, SATURATE))
DEFINE_CONVOLVE(convolve_short, SHORT_TILES(FIX, LIMIT))
DEFINE_CONVOLVE(convolve_short_plain, SHORT_TILES(NO_FIX, SATURATE))

/* The one of the functions above that is made for such windows. */
static void edgeq_convolve_tiles(const edgeq_tiles *v, const int8_t *x, int32_t step, int32_t pitch,
                                 const int32_t *table, int8_t *y, int32_t y_step, int32_t pairs)
{
    const bool plain = is_plain(v->out);

    if (v->rows == 1 && v->steps == 0) {
        if (plain) {
            convolve_short_plain(v, x, step, pitch, table, y, y_step, pairs);
        } else {
            convolve_short(v, x, step, pitch, table, y, y_step, pairs);
        }
    } else if (v->rows == 1 && v->steps <= 4) {
        if (plain) {
            convolve_row_plain(v, x, step, pitch, table, y, y_step, pairs);
        } else {
            convolve_row(v, x, step, pitch, table, y, y_step, pairs);
        }
    } else if (is_whole(v)) {
        if (plain) {
            convolve_whole_plain(v, x, step, pitch, table, y, y_step, pairs);
        } else {
            convolve_whole(v, x, step, pitch, table, y, y_step, pairs);
        }
    } else if (v->steps == 0) {
        if (plain) {
            convolve_column_plain(v, x, step, pitch, table, y, y_step, pairs);
        } else {
            convolve_column(v, x, step, pitch, table, y, y_step, pairs);
        }
    } else if (plain) {
        convolve_any_plain(v, x, step, pitch, table, y, y_step, pairs);
    } else {
        convolve_any(v, x, step, pitch, table, y, y_step, pairs);
    }
}

#else

static void convolve_one(const edgeq_tiles *v, const int8_t *x, int32_t pitch, const int32_t *table, int8_t *y)
{
    int32_t channel, row, i;

    for (channel = 0; channel < v->channels; ++channel) {
        const bool is_last = channel / 4 == v->channels / 4;
        const int32_t lane = is_last ? channel - v->channels + 4 : channel % 4;
        const int32_t *const record = table + channel / 4 * record_words(v);
        const int32_t *const quant = record + record_words(v) - 8;
        int32_t sum = record[lane];

        for (row = 0; row < v->rows; ++row) {
            for (i = 0; i < 16 * v->steps + v->last; ++i) {
                const int32_t step = row * (v->steps + 1) + i / 16;
                sum += edgeq_table_byte(record + 4, 64 * step + 16 * lane + i % 16) * x[row * pitch + i];
            }
        }
        y[channel] = edgeq_finish_one(sum, quant[lane], quant[4 + lane], v->out);
    }
}

static void edgeq_convolve_tiles(const edgeq_tiles *v, const int8_t *x, int32_t step, int32_t pitch,
                                 const int32_t *table, int8_t *y, int32_t y_step, int32_t pairs)
{
    for (; pairs > 0; --pairs, x += 2 * step, y += 2 * y_step) {
        convolve_one(v, x, pitch, table, y);
        convolve_one(v, x + step, pitch, table, y + y_step);
    }
}

#endif

#endif
