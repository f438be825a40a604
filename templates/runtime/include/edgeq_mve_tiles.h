/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sums of convolutions for cores with the vector extension, of windows that lie in memory side by side: two output
 * pixels by four channels at a time. Elsewhere portable C with equal results.
 *
 * Sixteen input bytes of both pixels and four channels, 128 MACs, cost 14 instructions: six loads, eight VMLADAVA,
 * whose sums take all even registers; 12 where the windows stay in vectors. The input's offset is part of the bias, so
 * that pixels need none. A row of a window, kernel width times channels, is contiguous.
 *
 * Weights of four bits (EDGEQ_WEIGHT_BITS is 4) cost no more: a byte holds 16 w0 + w1 of two channels, and what is shifted
 * to the right and rounded w0 alone. The sums are 16 s0 + s1 and s0; biases are such that they come with them. Ternary
 * weights have two bits: 64 w0 + 16 w1 + 4 w2 + w3, what is shifted 16 w0 + 4 w1 + w2, 4 w0 + w1 and w0. To take their
 * sums apart takes four instructions for a tile, or six.
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
    bool has_left;    /* shifts to the left in the table */
    edgeq_output out;
} edgeq_tiles;

static inline bool has_left(const edgeq_tiles *v)
{
    return EDGEQ_MAY_SHIFT_LEFT && v->has_left;
}

/*
 * Windows of three rows of eight to ten bytes are two steps: the first row with the second's beginning behind it, the
 * third with the second's end behind it.
 */
static inline bool is_patch(const edgeq_tiles *v)
{
    return !has_left(v) && v->rows == 3 && v->steps == 0 && v->last >= 8 && v->last <= 10;
}

/* The words of a record. */
static inline int32_t record_words(const edgeq_tiles *v)
{
    return EDGEQ_STEP_WORDS * (is_patch(v) ? 2 : (v->steps + 1) * v->rows) + 4 + edgeq_quant_words(has_left(v));
}

/* Whether saturation to int8 is all that limits, and cuts off what is below the zero point. */
static inline bool is_plain(edgeq_output out)
{
    return EDGEQ_HAS_SHORT_CUTS && out.offset == -128 && out.low == -128 && out.high == 127;
}

#if defined(__ARM_FEATURE_MVE)

/* What the tiles of two pixels read from memory; they have few registers left. */
typedef struct {
    const int8_t *x[2]; /* of the next two pixels */
    int8_t *y[2];
    const int32_t *table[2]; /* its beginning, and the end of the last whole record */
    const int32_t *end;      /* of the records that are being used */
    const int32_t *last;     /* of the table */
    int32_t back;            /* from the whole records' results to those of the last one, which overlap them */
    int32_t step;            /* from pixel to pixel */
    int32_t x_move;          /* from pair to pair */
    int32_t y_move;          /* the same from the end of the results on */
    int32_t pairs;
    int32_t skipped; /* bytes of code for the steps that there are not */
    int32_t rows;
    int32_t rounds;   /* of four steps, the first of which may begin with its second, third or last */
    int32_t rest;     /* from the end of the whole steps to the next row */
    int32_t patch[3]; /* from a window to the second row, the third, and the second's end, of a patch */
    int32_t offset;
    int32_t low;
    int32_t high;
} tile_state;

/* Four biases for each pixel. */
#define BIAS                                \
    "ldm r5, {r0, r2, r4, r6}\n\t"          \
    "ldm r5!, {r8, r10, r12, lr}\n\t"

/* Sixteen bytes of two pixels, in p and q, by four channels. */
#if EDGEQ_WEIGHT_BITS == 4
#define MAC_TWO(v, w, p, q, even_p, odd_p, even_q, odd_q) \
    "vldrb.u8 " v ", [r5], #16\n\t"                       \
    "vmladava.s8 " odd_p ", " p ", " v "\n\t"             \
    "vrshr.s8 " w ", " v ", #4\n\t"                       \
    "vmladava.s8 " odd_q ", " q ", " v "\n\t"             \
    "vmladava.s8 " even_p ", " p ", " w "\n\t"            \
    "vmladava.s8 " even_q ", " q ", " w "\n\t"
#define MACS_OF(v, w, p, q)                                 \
    MAC_TWO(v, w, p, q, "r0", "r2", "r8", "r10")            \
    MAC_TWO(v, w, p, q, "r4", "r6", "r12", "lr")
#define TAKE_APART                 \
    "sub r2, r2, r0, lsl #4\n\t"   \
    "sub r6, r6, r4, lsl #4\n\t"   \
    "sub r10, r10, r8, lsl #4\n\t" \
    "sub lr, lr, r12, lsl #4\n\t"
#elif EDGEQ_WEIGHT_BITS == 2
#define MAC_OF(v, p, q, sum_p, sum_q)          \
    "vmladava.s8 " sum_p ", " p ", " v "\n\t"  \
    "vmladava.s8 " sum_q ", " q ", " v "\n\t"
#define MAC_SHIFTED(v, w, shift, p, q, sum_p, sum_q) \
    "vrshr.s8 " w ", " v ", #" shift "\n\t" MAC_OF(w, p, q, sum_p, sum_q)
#define MACS_OF(v, w, p, q)                                                           \
    "vldrb.u8 " v ", [r5], #16\n\t" MAC_OF(v, p, q, "r6", "lr")                       \
    MAC_SHIFTED(v, w, "2", p, q, "r4", "r12") MAC_SHIFTED(v, w, "4", p, q, "r2", "r10") \
    MAC_SHIFTED(v, w, "6", p, q, "r0", "r8")
#define TAKE_APART                 \
    "sub r6, r6, r4, lsl #2\n\t"   \
    "sub r4, r4, r2, lsl #2\n\t"   \
    "sub r2, r2, r0, lsl #2\n\t"   \
    "sub lr, lr, r12, lsl #2\n\t"  \
    "sub r12, r12, r10, lsl #2\n\t" \
    "sub r10, r10, r8, lsl #2\n\t"
#else
#define MAC(w, p, q, sum_p, sum_q)             \
    "vldrb.u8 " w ", [r5], #16\n\t"            \
    "vmladava.s8 " sum_p ", " p ", " w "\n\t"  \
    "vmladava.s8 " sum_q ", " q ", " w "\n\t"
#define MACS_OF(v, w, p, q)                                                                      \
    MAC(v, p, q, "r0", "r8") MAC(w, p, q, "r2", "r10") MAC(v, p, q, "r4", "r12") MAC(w, p, q, "r6", "lr")
#define TAKE_APART ""
#endif
#define MACS MACS_OF("q2", "q3", "q0", "q1")
#define STEP                     \
    "vldrb.u8 q0, [r1], #16\n\t" \
    "vldrb.u8 q1, [r3], #16\n\t" MACS
#define STEP_BYTES 56
#define LAST_STEP                \
    "vpstt\n\t"                  \
    "vldrbt.u8 q0, [r1]\n\t"     \
    "vldrbt.u8 q1, [r3]\n\t" MACS

/* The sums of both pixels to p and q, times the channels' multipliers. */
#define MULTIPLY(p, q, w)                      \
    "vmov " p "[2], " p "[0], r0, r4\n\t"      \
    "vmov " p "[3], " p "[1], r2, r6\n\t"      \
    "vldrw.u32 " w ", [r5], #16\n\t"           \
    "vmov " q "[2], " q "[0], r8, r12\n\t"     \
    "vqrdmulh.s32 " p ", " p ", " w "\n\t"     \
    "vmov " q "[3], " q "[1], r10, lr\n\t"     \
    "vqrdmulh.s32 " q ", " q ", " w "\n\t"
/* y - [y < 0]; see edgeq_requantize_x4. */
#define FIX(p, q, w)                     \
    "vshr.s32 " w ", " p ", #31\n\t"     \
    "vadd.i32 " p ", " p ", " w "\n\t"   \
    "vshr.s32 " w ", " q ", #31\n\t"     \
    "vadd.i32 " q ", " q ", " w "\n\t"
#define SHIFT(p, q, w)                   \
    "vldrw.u32 " w ", [r5], #16\n\t"     \
    "vrshl.s32 " p ", " p ", " w "\n\t"  \
    "vrshl.s32 " q ", " q ", " w "\n\t"
#define QUANT(p, q, w) MULTIPLY(p, q, w) FIX(p, q, w) SHIFT(p, q, w)
#define QUANT_UPWARDS(p, q, w) MULTIPLY(p, q, w) SHIFT(p, q, w)
/* The same of factors of a half and more, which shift to the left before: where no window lies in q0 and q1. */
#define QUANT_LEFT(p, q, w)                    \
    "vmov " p "[2], " p "[0], r0, r4\n\t"      \
    "vmov " p "[3], " p "[1], r2, r6\n\t"      \
    "vldrw.u32 " w ", [r5], #16\n\t"           \
    "vmov " q "[2], " q "[0], r8, r12\n\t"     \
    "vmov " q "[3], " q "[1], r10, lr\n\t"     \
    "vldrw.u32 q0, [r5], #16\n\t"              \
    "vshl.s32 " p ", " p ", " w "\n\t"         \
    "vshl.s32 " q ", " q ", " w "\n\t"         \
    "vqrdmulh.s32 " p ", " p ", q0\n\t"        \
    "vqrdmulh.s32 " q ", " q ", q0\n\t"        \
    "vldrw.u32 " w ", [r5], #16\n\t"           \
    "vand q0, " p ", " w "\n\t"                \
    "vand q1, " q ", " w "\n\t"                \
    "vshr.s32 q0, q0, #31\n\t"                 \
    "vshr.s32 q1, q1, #31\n\t"                 \
    "vadd.i32 " p ", " p ", q0\n\t"            \
    "vadd.i32 " q ", " q ", q1\n\t"            \
    "vrshl.s32 " p ", " p ", " w "\n\t"        \
    "vrshl.s32 " q ", " q ", " w "\n\t"

/*
 * The sums of both pixels to four bytes at i and at j, which move on. By saturation, the pixels in the halves of one
 * vector's lanes.
 */
#define FINISH_OF(p, q, w, i, j, quant, limit) TAKE_APART quant(p, q, w) \
    "vqmovnb.s32 " p ", " p "\n\t"             \
    "vqmovnt.s32 " p ", " q "\n\t"             \
    "vqadd.s16 " p ", " p ", q5\n\t"           \
    "vqmovnb.s16 " p ", " p "\n\t"             \
    limit(p)                                   \
    "vshr.u32 " q ", " p ", #16\n\t"           \
    "vstrb.32 " p ", [" i "], #4\n\t"          \
    "vstrb.32 " q ", [" j "], #4\n\t"
#define FINISH(i, j, quant, limit) FINISH_OF("q2", "q3", "q4", i, j, quant, limit)

/* To the activation's range, which lies in q6 and q7, or in memory while they hold other things. */
#define LIMIT(p)                         \
    "vmax.s8 " p ", " p ", q6\n\t"       \
    "vmin.s8 " p ", " p ", q7\n\t"
#define FETCH_LIMIT(p)                   \
    "ldr r0, %[low]\n\t"                 \
    "vdup.8 q7, r0\n\t"                  \
    "vmax.s8 " p ", " p ", q7\n\t"       \
    "ldr r0, %[high]\n\t"                \
    "vdup.8 q7, r0\n\t"                  \
    "vmin.s8 " p ", " p ", q7\n\t"
#define NO_LIMIT(p) ""

/* Behind the whole records: where the last one is of the last four channels, some of which have been computed. */
#define LAST_RECORD(change_end, i, j, keep)  \
    "ldr r0, %[last]\n\t"                    \
    "cmp r5, r0\n\t"                         \
    "beq 6f\n\t"                             \
    change_end                               \
    "ldr r2, %[back]\n\t"                    \
    "sub " i ", r2\n\t"                      \
    "sub " j ", r2\n\t" keep                 \
    "b 1b\n"                                 \
    "6:\n\t"
#define END_TO_MEMORY "str r0, %[end]\n\t"
/* On to the next two pixels' results. */
#define MOVE_RESULTS(i, j)                   \
    "ldr r0, %[y_move]\n\t"                  \
    "add " i ", r0\n\t"                      \
    "add " j ", r0\n\t"
#define MOVE_WINDOWS                         \
    "ldrd r1, r3, %[x]\n\t"                  \
    "ldr r0, %[x_move]\n\t"                  \
    "add r1, r0\n\t"                         \
    "add r3, r0\n\t"                         \
    "strd r1, r3, %[x]\n\t"
#define NEXT_PAIR                            \
    "ldr r0, %[pairs]\n\t"                   \
    "subs r0, #1\n\t"                        \
    "str r0, %[pairs]\n\t"                   \
    "bne 5b\n\t"
#define KEEP_RESULTS "strd r1, r3, %[y]\n\t"
#define START_IN_MEMORY                      \
    "ldrd r5, r0, %[table]\n\t" END_TO_MEMORY

/*
 * P0 is set once: only the last step of a row looks at it. r7 holds the bytes of code that the first round of four steps
 * skips.
 */
#define TILES(quant, limit, no_room_limit)                                                           \
    "ldr r7, %[skipped]\n"                                                                         \
    "5:\n\t" START_IN_MEMORY                                                                       \
    "1:\n\t"                                                                                       \
    "ldrd r1, r3, %[x]\n\t"                                                                        \
    "ldr r11, %[rows]\n\t" BIAS "2:\n\t"                                                           \
    "ldr r9, %[rounds]\n\t"                                                                        \
    "add pc, r7\n\t"                                                                               \
    "nop\n"                                                                                        \
    "3:\n\t" STEP STEP STEP STEP "subs r9, #1\n\t"                                                 \
    "bgt 3b\n\t" LAST_STEP "subs r11, #1\n\t"                                                      \
    "beq 4f\n\t"                                                                                   \
    "ldr r9, %[rest]\n\t"                                                                          \
    "add r1, r9\n\t"                                                                               \
    "add r3, r9\n\t"                                                                               \
    "b 2b\n"                                                                                       \
    "4:\n\t"                                                                                       \
    "ldrd r1, r3, %[y]\n\t" FINISH("r1", "r3", quant, limit) "ldr r9, %[end]\n\t" KEEP_RESULTS       \
    "cmp r5, r9\n\t"                                                                               \
    "bne 1b\n\t" LAST_RECORD(END_TO_MEMORY, "r1", "r3", KEEP_RESULTS)                              \
    MOVE_RESULTS("r1", "r3") KEEP_RESULTS MOVE_WINDOWS NEXT_PAIR

/* Windows of one row that has up to four steps but for the last. */
#define ROW_TILES(quant, limit, no_room_limit)                                                       \
    "ldr r7, %[skipped]\n\t"                                                                       \
    "5:\n\t"                                                                                       \
    "ldrd r5, r9, %[table]\n"                                                                      \
    "1:\n\t"                                                                                       \
    "ldrd r1, r3, %[x]\n\t" BIAS "add pc, r7\n\t"                                                  \
    "nop\n\t" STEP STEP STEP STEP LAST_STEP                                                        \
    "ldrd r1, r3, %[y]\n\t" FINISH("r1", "r3", quant, limit) "cmp r5, r9\n\t" KEEP_RESULTS           \
    "bne 1b\n\t" LAST_RECORD("mov r9, r0\n\t", "r1", "r3", KEEP_RESULTS)                           \
    MOVE_RESULTS("r1", "r3") KEEP_RESULTS MOVE_WINDOWS NEXT_PAIR

/* Windows with rows of up to sixteen bytes. */
#define COLUMN_TILES(quant, limit, no_room_limit)                                                    \
    "ldr r9, %[rest]\n"                                                                            \
    "5:\n\t"                                                                                       \
    "ldrd r5, r7, %[table]\n"                                                                      \
    "1:\n\t"                                                                                       \
    "ldrd r1, r3, %[x]\n\t"                                                                        \
    "ldr r11, %[rows]\n\t" BIAS "2:\n\t" LAST_STEP "subs r11, #1\n\t"                              \
    "add r1, r9\n\t"                                                                               \
    "add r3, r9\n\t"                                                                               \
    "bne 2b\n\t"                                                                                   \
    "ldrd r1, r3, %[y]\n\t" FINISH("r1", "r3", quant, limit) "cmp r5, r7\n\t" KEEP_RESULTS           \
    "bne 1b\n\t" LAST_RECORD("mov r7, r0\n\t", "r1", "r3", KEEP_RESULTS)                           \
    MOVE_RESULTS("r1", "r3") KEEP_RESULTS MOVE_WINDOWS NEXT_PAIR

/* Windows with rows of whole sixteens, up to twelve of them: nothing is masked, and r7 skips the steps that there are not. */
#define WHOLE_TILES(quant, limit, no_room_limit)                                                     \
    "ldr r7, %[skipped]\n\t"                                                                       \
    "ldr r9, %[rest]\n"                                                                            \
    "5:\n\t" START_IN_MEMORY                                                                       \
    "1:\n\t"                                                                                       \
    "ldrd r1, r3, %[x]\n\t"                                                                        \
    "ldr r11, %[rows]\n\t" BIAS "2:\n\t"                                                           \
    "add pc, r7\n\t"                                                                               \
    "nop\n\t" STEP STEP STEP STEP STEP STEP                                                        \
    STEP STEP STEP STEP STEP STEP "subs r11, #1\n\t"                                               \
    "add r1, r9\n\t"                                                                               \
    "add r3, r9\n\t"                                                                               \
    "bne 2b\n\t"                                                                                   \
    "ldrd r1, r3, %[y]\n\t" FINISH("r1", "r3", quant, limit) "ldr r0, %[end]\n\t" KEEP_RESULTS       \
    "cmp r5, r0\n\t"                                                                               \
    "bne 1b\n\t" LAST_RECORD(END_TO_MEMORY, "r1", "r3", KEEP_RESULTS)                              \
    MOVE_RESULTS("r1", "r3") KEEP_RESULTS MOVE_WINDOWS NEXT_PAIR
#define MOST_WHOLE 12

static inline bool is_whole(const edgeq_tiles *v)
{
    return EDGEQ_HAS_SHORT_CUTS && !has_left(v) && v->rows > 1 && v->last == 16 && v->steps < MOST_WHOLE;
}

/* Windows that stay in vectors while all channels are computed: r7 points to the next one, r1 and r3 to the results. */
#define HELD_TILES(load, macs, finish)                                                             \
    "ldrd r1, r3, %[y]\n\t"                                                                        \
    "ldr r7, %[x]\n\t"                                                                             \
    "ldr r11, %[pairs]\n"                                                                          \
    "5:\n\t" load                                                                                  \
    "ldrd r5, r9, %[table]\n"                                                                      \
    "1:\n\t" BIAS macs finish "cmp r5, r9\n\t"                                                     \
    "bne 1b\n\t" LAST_RECORD("mov r9, r0\n\t", "r1", "r3", "")                                     \
    MOVE_RESULTS("r1", "r3") "subs r11, #1\n\t"                                                    \
    "bne 5b\n\t"

/* Windows of up to sixteen bytes. */
#define LOAD_SHORT                \
    "ldr r0, %[step]\n\t"         \
    "vpst\n\t"                    \
    "vldrbt.u8 q0, [r7]\n\t"      \
    "add r7, r0\n\t"              \
    "vpst\n\t"                    \
    "vldrbt.u8 q1, [r7]\n\t"      \
    "add r7, r0\n\t"
#define SHORT_TILES(quant, limit, no_room_limit) HELD_TILES(LOAD_SHORT, MACS, FINISH("r1", "r3", quant, limit))

/* Windows of one row of 17 to 32 bytes. */
#define LOAD_TWO                  \
    "ldr r0, %[step]\n\t"         \
    "vldrb.u8 q0, [r7]\n\t"       \
    "vpst\n\t"                    \
    "vldrbt.u8 q1, [r7, #16]\n\t" \
    "add r7, r0\n\t"              \
    "vldrb.u8 q2, [r7]\n\t"       \
    "vpst\n\t"                    \
    "vldrbt.u8 q3, [r7, #16]\n\t" \
    "add r7, r0\n\t"
#define MACS_OF_TWO MACS_OF("q4", "q6", "q0", "q2") MACS_OF("q7", "q4", "q1", "q3")
#define FINISH_TWO(quant, limit) FINISH_OF("q4", "q6", "q7", "r1", "r3", quant, limit)
#define TWO_TILES(quant, limit, no_room_limit) HELD_TILES(LOAD_TWO, MACS_OF_TWO, FINISH_TWO(quant, no_room_limit))

/* Patches: what is masked is 0, so that two loads make a vector. P0 is turned over twice: it is what it was behind that. */
#define LOAD_PATCH_ROWS(a, b)     \
    "vpsteet\n\t"                 \
    "vldrbt.u8 " a ", [r7]\n\t"   \
    "vldrbe.u8 q4, [r0]\n\t"      \
    "vldrbe.u8 q6, [r4]\n\t"      \
    "vldrbt.u8 " b ", [r2]\n\t"   \
    "vorr " a ", " a ", q4\n\t"   \
    "vorr " b ", " b ", q6\n\t"   \
    "add r7, r6\n\t"
#define LOAD_PATCH                \
    "ldr r6, %[patch]\n\t"        \
    "adds r0, r7, r6\n\t"         \
    "ldr r6, %[third]\n\t"        \
    "adds r2, r7, r6\n\t"         \
    "ldr r6, %[second_end]\n\t"   \
    "adds r4, r7, r6\n\t"         \
    "ldr r6, %[step]\n\t" LOAD_PATCH_ROWS("q0", "q1") \
    "add r0, r6\n\t"              \
    "add r2, r6\n\t"              \
    "add r4, r6\n\t" LOAD_PATCH_ROWS("q2", "q3")
#define PATCH_TILES(quant, limit, no_room_limit) HELD_TILES(LOAD_PATCH, MACS_OF_TWO, FINISH_TWO(quant, no_room_limit))

/* r5 holds the mask of a row's last step. VMLADAVA sums in even registers; all are taken: nothing is left to choose. */
#define ASSEMBLE(code)                                                                                            \
    __asm__ volatile("vmsr p0, r5\n\t"                                                                            \
                     "ldr r0, %[offset]\n\t"                                                                      \
                     "vdup.16 q5, r0\n\t"                                                                         \
                     "ldr r0, %[low]\n\t"                                                                         \
                     "vdup.8 q6, r0\n\t"                                                                          \
                     "ldr r0, %[high]\n\t"                                                                        \
                     "vdup.8 q7, r0\n\t" code                                                                     \
                     : "+r"(mask), [x] "+m"(t.x), [y] "+m"(t.y), [end] "=m"(t.end), [pairs] "+m"(t.pairs)         \
                     : [table] "m"(t.table), [last] "m"(t.last), [back] "m"(t.back), [step] "m"(t.step),          \
                       [x_move] "m"(t.x_move), [y_move] "m"(t.y_move), [skipped] "m"(t.skipped),                  \
                       [rows] "m"(t.rows), [rounds] "m"(t.rounds), [rest] "m"(t.rest), [patch] "m"(t.patch[0]),   \
                       [third] "m"(t.patch[1]), [second_end] "m"(t.patch[2]), [offset] "m"(t.offset),             \
                       [low] "m"(t.low), [high] "m"(t.high)                                                       \
                     : "r0", "r1", "r2", "r3", "r4", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "q0",     \
                       "q1", "q2", "q3", "q4", "q5", "q6", "q7", "cc", "memory")
#define RUN(tiles)                                    \
    if (is_plain(v->out)) {                           \
        ASSEMBLE(tiles(QUANT_UPWARDS, NO_LIMIT, NO_LIMIT)); \
    } else {                                          \
        ASSEMBLE(tiles(QUANT, LIMIT, FETCH_LIMIT));   \
    }

/*
 * All channels of `pairs` times two pixels, one at least, their windows `step` bytes apart from x on, rows of windows
 * `pitch` bytes apart; the results from y on, `y_step` bytes apart. Where the number of channels is no multiple of four,
 * the last record is of the last four: some are computed again.
 */
static EDGEQ_NOINLINE void edgeq_convolve_tiles(const edgeq_tiles *v, const int8_t *x, int32_t step, int32_t pitch,
                                                const int32_t *table, int8_t *y, int32_t y_step, int32_t pairs)
{
    const int32_t words = record_words(v);
    const int32_t odd = v->channels & 3;
    register uint32_t mask __asm__("r5");
    tile_state t;

    t.x[0] = x;
    t.x[1] = x + step;
    t.y[0] = y;
    t.y[1] = y + y_step;
    t.table[0] = table;
    t.table[1] = table + v->channels / 4 * words;
    t.last = t.table[1] + (odd != 0 ? words : 0);
    t.back = 4 - odd;
    t.step = step;
    t.x_move = 2 * step;
    t.y_move = 2 * y_step - v->channels;
    t.pairs = pairs;
    t.skipped = STEP_BYTES * (is_whole(v) ? MOST_WHOLE - 1 - v->steps : v->steps > 0 ? -v->steps & 3 : 4);
    t.rows = v->rows;
    t.rounds = (v->steps + 3) / 4;
    t.rest = pitch - 16 * (v->steps + (is_whole(v) ? 1 : 0));
    t.patch[0] = pitch - v->last;
    t.patch[1] = 2 * pitch;
    t.patch[2] = pitch + v->last - 16;
    t.offset = v->out.offset;
    t.low = v->out.low;
    t.high = v->out.high;
    mask = vctp8q((uint32_t)v->last);
    if (has_left(v)) {
#if EDGEQ_MAY_SHIFT_LEFT
        if (v->steps == 0) {
            ASSEMBLE(COLUMN_TILES(QUANT_LEFT, LIMIT, LIMIT));
        } else {
            ASSEMBLE(TILES(QUANT_LEFT, LIMIT, LIMIT));
        }
#endif
    } else if (v->rows == 1 && v->steps == 0) {
        RUN(SHORT_TILES)
    } else if (v->rows == 1 && v->steps == 1) {
        RUN(TWO_TILES)
    } else if (v->rows == 1 && v->steps <= 4) {
        RUN(ROW_TILES)
    } else if (is_whole(v)) {
        RUN(WHOLE_TILES)
    } else if (is_patch(v)) {
        RUN(PATCH_TILES)
    } else if (v->steps == 0) {
        RUN(COLUMN_TILES)
    } else {
        RUN(TILES)
    }
}

#else

/* The step that byte i of a window's row is multiplied in, times sixteen, and where in it. */
static int32_t place_in_steps(const edgeq_tiles *v, int32_t row, int32_t i)
{
    if (!is_patch(v)) {
        return 16 * row * (v->steps + 1) + i;
    }
    if (row != 1) {
        return 8 * row + i;
    }
    return i < 16 - v->last ? i + v->last : 16 + i + 16 - v->last;
}

/* The sum of a channel, as it stands in its record: with those above it in its bytes. */
static int32_t sum_up(const edgeq_tiles *v, const int8_t *x, int32_t pitch, const int32_t *record, int32_t lane)
{
    int32_t sum = record[lane];
    int32_t row, i;

    for (row = 0; row < v->rows; ++row) {
        for (i = 0; i < 16 * v->steps + v->last; ++i) {
            const int32_t place = place_in_steps(v, row, i);
            const int32_t vector = place / 16 * EDGEQ_STEP_WORDS / 4 + lane * EDGEQ_WEIGHT_BITS / 8;
            sum += x[row * pitch + i] * edgeq_joint_weight(record + 4, 16 * vector + place % 16, lane);
        }
    }
    return sum;
}

static void convolve_one(const edgeq_tiles *v, const int8_t *x, int32_t pitch, const int32_t *table, int8_t *y)
{
    int32_t channel;

    for (channel = 0; channel < v->channels; ++channel) {
        const bool is_last = channel / 4 == v->channels / 4;
        const int32_t lane = is_last ? channel - v->channels + 4 : channel % 4;
        const int32_t *const record = table + channel / 4 * record_words(v);
        const int32_t *const quant = record + record_words(v) - edgeq_quant_words(has_left(v));
        int32_t sum = sum_up(v, x, pitch, record, lane);

        if (lane % EDGEQ_CHANNELS_TO_A_BYTE != 0) {
            sum = edgeq_take_apart(sum, sum_up(v, x, pitch, record, lane - 1));
        }
        y[channel] = edgeq_finish_lane(sum, quant, lane, has_left(v), v->out);
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
