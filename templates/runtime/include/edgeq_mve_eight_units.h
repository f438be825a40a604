/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fully connected layers with ternary and binary weights for cores with the vector extension, eight units at a time.
 *
 * Sixteen inputs of eight units, 128 MACs, cost 18 instructions with weights of two bits (EDGEQ_WEIGHT_BITS) and 19 with
 * those of one: the inputs, one load of weights for four units or for eight, a shift for every vector of weights but what
 * has been loaded, eight VMLADAVA, and half of the loop. How ternary weights share bytes is in edgeq_mve_tiles.h.
 *
 * Of binary weights bit j of a byte is set where unit j has -1. What is shifted to the right by j bits and rounded is
 * half of w[j] - w[j - 1] and twice what is shifted by one bit more; bit 0 alone, with 64 behind it, is 64 w[0]. With the
 * sums r[j] of these, that of unit 0 is r[0] / 64, and of unit j that of the one before plus 2 (r[j] - 2 r[j + 1]).
 */
#ifndef EDGEQ_MVE_EIGHT_UNITS_H
#define EDGEQ_MVE_EIGHT_UNITS_H

#include "edgeq_mve.h"

#define UNITS 8

#if defined(__ARM_FEATURE_MVE)

/* The inputs are in q0, weights in q1. acc: "a" to add to sums, "" to start them. */
#define MAC(acc, v, sum) "vmladav" acc ".s8 " sum ", q0, " v "\n\t"
#define MAC_SHIFTED(acc, shift, sum) "vrshr.s8 q2, q1, #" shift "\n\t" MAC(acc, "q2", sum)
#define WEIGHTS "vldrb.u8 q1, [r5], #16\n\t"
#if EDGEQ_WEIGHT_BITS == 2
#define MAC_FOUR(a, b, c, d)                                                               \
    WEIGHTS MAC("a", "q1", d) MAC_SHIFTED("a", "2", c) MAC_SHIFTED("a", "4", b) MAC_SHIFTED("a", "6", a)
#define MACS_OF_FOUR(acc) MAC_FOUR("r0", "r2", "r4", "r6")
#define MACS(acc) MACS_OF_FOUR(acc) MAC_FOUR("r8", "r10", "r12", "lr")
#define START "ldm r5!, {r0, r2, r4, r6, r8, r10, r12, lr}\n\t"
#define TAKE_APART_FOUR(a, b, c, d)           \
    "sub " d ", " d ", " c ", lsl #2\n\t"     \
    "sub " c ", " c ", " b ", lsl #2\n\t"     \
    "sub " b ", " b ", " a ", lsl #2\n\t"
#define TAKE_APART TAKE_APART_FOUR("r0", "r2", "r4", "r6") TAKE_APART_FOUR("r8", "r10", "r12", "lr")
#define ADD_BIAS ""
#define SET_HALF ""
#else
#define SET_HALF             \
    "mov r0, #64\n\t"        \
    "vdup.8 q3, r0\n\t"
#define MACS_OF_FOUR(acc)                                                                  \
    WEIGHTS "vsli.8 q3, q1, #7\n\t" MAC(acc, "q3", "r0") MAC_SHIFTED(acc, "1", "r2")       \
    MAC_SHIFTED(acc, "2", "r4") MAC_SHIFTED(acc, "3", "r6") MAC_SHIFTED(acc, "4", "r8")
#define MACS(acc)                                                                          \
    MACS_OF_FOUR(acc) MAC_SHIFTED(acc, "5", "r10") MAC_SHIFTED(acc, "6", "r12") MAC_SHIFTED(acc, "7", "lr")
#define START ""
#define LESS_TWICE(a, b) "sub " a ", " a ", " b ", lsl #1\n\t"
#define ADD_TWICE(a, b) "add " b ", " a ", " b ", lsl #1\n\t"
#define TAKE_APART                                                                         \
    "asr r0, r0, #6\n\t" LESS_TWICE("r2", "r4") LESS_TWICE("r4", "r6") LESS_TWICE("r6", "r8") \
    LESS_TWICE("r8", "r10") LESS_TWICE("r10", "r12") LESS_TWICE("r12", "lr")               \
    ADD_TWICE("r0", "r2") ADD_TWICE("r2", "r4") ADD_TWICE("r4", "r6") ADD_TWICE("r6", "r8") \
    ADD_TWICE("r8", "r10") ADD_TWICE("r10", "r12") ADD_TWICE("r12", "lr")
#define ADD_BIAS                    \
    FETCH "vadd.i32 q1, q1, q0\n\t" \
    FETCH "vadd.i32 q2, q2, q0\n\t"
#endif

/* Sixteen inputs, and the sums over all of them: those in the mask of the last step before the others. */
#define INPUTS "vldrb.u8 q0, [r1], #16\n\t"
#define SUM_UP(macs)                 \
    "vldrbt.u8 q0, [r0]\n\t" START macs("") \
    "cmp r7, #0\n\t"                 \
    "beq 5f\n\t"                     \
    "tst r7, #1\n\t"                 \
    "bne 3f\n"                       \
    "2:\n\t" INPUTS macs("a")        \
    "3:\n\t" INPUTS macs("a")        \
    "subs r7, #2\n\t"                \
    "bgt 2b\n\t"

/* What the units of q1 and q2 have in the table becomes what is left in them. */
#define FETCH "vldrw.u32 q0, [r5], #16\n\t"
#define MULTIPLY                         \
    FETCH "vqrdmulh.s32 q1, q1, q0\n\t"  \
    FETCH "vqrdmulh.s32 q2, q2, q0\n\t"
#define SHIFT                            \
    FETCH "vrshl.s32 q1, q1, q0\n\t"     \
    FETCH "vrshl.s32 q2, q2, q0\n\t"
/* y - [y < 0]; see edgeq_requantize_x4. */
#define FIX                              \
    "vshr.s32 q0, q1, #31\n\t"           \
    "vadd.i32 q1, q1, q0\n\t"            \
    "vshr.s32 q0, q2, #31\n\t"           \
    "vadd.i32 q2, q2, q0\n\t"
#define QUANT_UPWARDS MULTIPLY SHIFT
#define QUANT MULTIPLY FIX SHIFT
#define SHIFT_EITHER(y)                  \
    FETCH "vand q4, " y ", q0\n\t"       \
    "vshr.s32 q4, q4, #31\n\t"           \
    "vadd.i32 " y ", " y ", q4\n\t"      \
    "vrshl.s32 " y ", " y ", q0\n\t"
#define QUANT_LEFT                       \
    FETCH "vshl.s32 q1, q1, q0\n\t"      \
    FETCH "vshl.s32 q2, q2, q0\n\t"      \
    MULTIPLY SHIFT_EITHER("q1") SHIFT_EITHER("q2")

/*
 * The units, r9 of them. r1 walks over the inputs, r5 over the table, r3 over the results; r11 is the mask of the last
 * step, r7 counts the others.
 */
#define CONNECT(quant)                                        \
    "\n1:\n\t"                                                \
    "ldr r1, %[x]\n\t"                                        \
    "ldr r7, %[steps]\n\t"                                    \
    "vmsr p0, r11\n\t"                                        \
    "add r0, r1, r7, lsl #4\n\t"                              \
    "cmp r9, #4\n\t"                                          \
    "ble 4f\n\t"                                              \
    "vpst\n\t" SUM_UP(MACS)                                   \
    "b 5f\n"                                                  \
    "4:\n\t"                                                  \
    "vpst\n\t" SUM_UP(MACS_OF_FOUR)                           \
    "5:\n\t" TAKE_APART                                       \
    "vmov q1[2], q1[0], r0, r8\n\t"                           \
    "vmov q1[3], q1[1], r4, r12\n\t"                          \
    "vmov q2[2], q2[0], r2, r10\n\t"                          \
    "vmov q2[3], q2[1], r6, lr\n\t" ADD_BIAS quant            \
    "vqmovnb.s32 q1, q1\n\t"                                  \
    "vqmovnt.s32 q1, q2\n\t"                                  \
    "vqadd.s16 q1, q1, q5\n\t"                                \
    "vmax.s16 q1, q1, q6\n\t"                                 \
    "vmin.s16 q1, q1, q7\n\t"                                 \
    "vctp.16 r9\n\t"                                          \
    "vpst\n\t"                                                \
    "vstrbt.16 q1, [r3], #8\n\t"                              \
    "subs r9, #8\n\t"                                         \
    "bgt 1b\n\t"

/* VMLADAVA sums in even registers; all are taken. */
#define ASSEMBLE(quant)                                                                                            \
    __asm__ volatile("ldr r0, %[offset]\n\t"                                                                       \
                     "vdup.16 q5, r0\n\t"                                                                          \
                     "ldr r0, %[low]\n\t"                                                                          \
                     "vdup.16 q6, r0\n\t"                                                                          \
                     "ldr r0, %[high]\n\t"                                                                         \
                     "vdup.16 q7, r0\n\t" SET_HALF CONNECT(quant)                                                  \
                     : "+r"(results), "+r"(left), "+r"(table)                                                      \
                     : "r"(last), [x] "m"(x), [steps] "m"(steps), [offset] "m"(out.offset), [low] "m"(out.low),  \
                       [high] "m"(out.high)                                                                       \
                     : "r0", "r1", "r2", "r4", "r6", "r7", "r8", "r10", "r12", "lr", "q0", "q1", "q2", "q3", "q4", \
                       "q5", "q6", "q7", "cc", "memory")

/* A table begins with the number that says whether there are shifts to the left. */
static void edgeq_connect_eights(const int8_t *x, int32_t depth, const int32_t *k, int32_t units, edgeq_output out,
                                 int8_t *y)
{
    const int32_t steps = (depth - 1) / 16;
    register const int32_t *table __asm__("r5") = k + 1;
    register int8_t *results __asm__("r3") = y;
    register int32_t left __asm__("r9") = units;
    register uint32_t last __asm__("r11") = vctp8q((uint32_t)(depth - 16 * steps));

    if (k[0] != 0) {
        ASSEMBLE(QUANT_LEFT);
    } else if (edgeq_is_rectified(out)) {
        ASSEMBLE(QUANT_UPWARDS);
    } else {
        ASSEMBLE(QUANT);
    }
}

#else

/* The sum of a unit of a record's weights; of ternary ones with those above it in its bytes. */
static int32_t sum_unit(const int8_t *x, int32_t depth, const int32_t *weights, int32_t vectors, int32_t unit)
{
    const int32_t steps = (depth - 1) / 16;
    int32_t sum = 0;
    int32_t i;

    for (i = 0; i < depth; ++i) {
        const int32_t step = i / 16 == steps ? 0 : i / 16 + 1;
#if EDGEQ_WEIGHT_BITS == 2
        sum += x[i] * edgeq_joint_weight(weights, 16 * (vectors * step + unit / 4) + i % 16, unit);
#else
        const uint32_t bits = (uint32_t)edgeq_table_byte(weights, 16 * vectors * step + i % 16);
        sum += (bits >> unit & 1u) != 0u ? -x[i] : x[i];
#endif
    }
    return sum;
}

/* Up to eight units; returns the words of their record. */
static int32_t connect_record(const int8_t *x, int32_t depth, const int32_t *record, int32_t units, bool has_left,
                              edgeq_output out, int8_t *y)
{
    const int32_t vectors = EDGEQ_WEIGHT_BITS == 2 && units > 4 ? 2 : 1;
    const int32_t words = 4 * vectors * ((depth + 15) / 16);
    const int32_t *const quant = record + words + UNITS;
    const int32_t *const rest = has_left ? quant + UNITS : quant;
    int32_t unit;

    for (unit = 0; unit < units; ++unit) {
        const int32_t lane = unit % 2 * 4 + unit / 2;
        const int32_t shift = rest[UNITS + lane] + (has_left ? quant[lane] : 0);
#if EDGEQ_WEIGHT_BITS == 2
        int32_t sum = record[unit] + sum_unit(x, depth, record + UNITS, vectors, unit);
        if (unit % EDGEQ_CHANNELS_TO_A_BYTE != 0) {
            sum = edgeq_take_apart(sum, record[unit - 1] + sum_unit(x, depth, record + UNITS, vectors, unit - 1));
        }
#else
        const int32_t sum = record[words + lane] + sum_unit(x, depth, record, vectors, unit);
#endif
        y[unit] = edgeq_finish_one(sum, rest[lane], shift, out);
    }
    return words + UNITS + (has_left ? 3 : 2) * UNITS;
}

static void edgeq_connect_eights(const int8_t *x, int32_t depth, const int32_t *k, int32_t units, edgeq_output out,
                                 int8_t *y)
{
    const bool has_left = k[0] != 0;

    for (++k; units > 0; units -= UNITS, y += UNITS) {
        k += connect_record(x, depth, k, units < UNITS ? units : UNITS, has_left, out, y);
    }
}

#endif

#endif
