/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depthwise convolution with windows of nine taps for cores with the vector extension: sixteen channels of a pixel at a
 * time.
 *
 * Products of bytes are added up in sixteen bits two by two, as far as they fit; that they do has been proven of every
 * channel when the table was made. A pointer for each tap moves along the channels and on to the next pixel. The
 * input's offset is part of the bias; a tap beside the image points to as many zero points. Images of eight channels
 * have two pixels in a vector, side by side.
 */
#include "edgeq_convolution.h"
#include "edgeq_kernels_mve.h"
#include "edgeq_mve.h"

#define TAPS 9
#define LANES 16
/* Words of a table's record: nine taps of sixteen bytes; bias, multiplier and shift of sixteen channels. */
#define RECORD (TAPS * LANES / 4 + 3 * LANES)

/*
 * Pixels of a row whose windows lie alike. A turn is the pixel's whole blocks of sixteen channels. Where there are more
 * channels, the last sixteen have a turn of their own: some are computed again.
 */
typedef struct {
    const int8_t *tap[TAPS]; /* of the first pixel */
    const int32_t *table;
    int8_t *y;       /* moves on to what comes next */
    int32_t back;    /* bytes from a record's end to the one that comes next, upwards */
    int32_t rewind;  /* from the last record's end to the first, when `back` has been taken */
    int32_t blocks;  /* of sixteen channels in a turn */
    int32_t turns;   /* two for each pixel where the last sixteen channels have one */
    int32_t again;   /* how many of these have been computed before; 0 where there is one turn */
    int32_t step[3]; /* from a pixel's last channel to the next window's first, in bytes, of each row of the window */
    int32_t moves;   /* not 0 where the steps or `again` are not */
    edgeq_output out;
} run;

#if defined(__ARM_FEATURE_MVE)

/* Products of sixteen channels at a tap to p and q; those of another one added by way of t and u. */
#define FIRST_OF(x, p, q, v, w)                    \
    "vldrb.u8 " v ", [" x "], #16\n\t"             \
    "vldrb.u8 " w ", [r9], #16\n\t"                \
    "vmullb.s8 " p ", " v ", " w "\n\t"            \
    "vmullt.s8 " q ", " v ", " w "\n\t"
#define ADD_OF(x, p, q, v, w, t, u)                \
    "vldrb.u8 " v ", [" x "], #16\n\t"             \
    "vldrb.u8 " w ", [r9], #16\n\t"                \
    "vmullb.s8 " t ", " v ", " w "\n\t"            \
    "vadd.i16 " p ", " p ", " t "\n\t"             \
    "vmullt.s8 " u ", " v ", " w "\n\t"            \
    "vadd.i16 " q ", " q ", " u "\n\t"
/*
 * Four taps while q4 to q7 are free, to 32 bits: q4 of channels 0 4 8 12, q5 of 2 6 10 14, q6 of 1 5 9 13, q7 of
 * 3 7 11 15.
 */
#define FOUR(a, b, c, d)                           \
    FIRST_OF(a, "q0", "q1", "q2", "q3")            \
    ADD_OF(b, "q0", "q1", "q2", "q3", "q4", "q5")  \
    FIRST_OF(c, "q2", "q3", "q4", "q5")            \
    ADD_OF(d, "q2", "q3", "q4", "q5", "q6", "q7")  \
    "vmovlb.s16 q4, q0\n\t"                        \
    "vmovlt.s16 q5, q0\n\t"                        \
    "vmovlb.s16 q6, q2\n\t"                        \
    "vadd.i32 q4, q4, q6\n\t"                      \
    "vmovlt.s16 q7, q2\n\t"                        \
    "vadd.i32 q5, q5, q7\n\t"                      \
    "vmovlb.s16 q6, q1\n\t"                        \
    "vmovlt.s16 q7, q1\n\t"                        \
    "vmovlb.s16 q0, q3\n\t"                        \
    "vadd.i32 q6, q6, q0\n\t"                      \
    "vmovlt.s16 q1, q3\n\t"                        \
    "vadd.i32 q7, q7, q1\n\t"
/* Later ones; the weights are loaded twice. */
#define FIRST(x) FIRST_OF(x, "q0", "q1", "q2", "q3")
#define ADD(x)                      \
    "vldrb.u8 q2, [" x "], #16\n\t" \
    "vldrb.u8 q3, [r9]\n\t"         \
    "vmullb.s8 q3, q2, q3\n\t"      \
    "vadd.i16 q0, q0, q3\n\t"       \
    "vldrb.u8 q3, [r9], #16\n\t"    \
    "vmullt.s8 q3, q2, q3\n\t"      \
    "vadd.i16 q1, q1, q3\n\t"
#define WIDEN_AND_ADD          \
    "vmovlb.s16 q2, q0\n\t"    \
    "vadd.i32 q4, q4, q2\n\t"  \
    "vmovlt.s16 q3, q0\n\t"    \
    "vadd.i32 q5, q5, q3\n\t"  \
    "vmovlb.s16 q2, q1\n\t"    \
    "vadd.i32 q6, q6, q2\n\t"  \
    "vmovlt.s16 q3, q1\n\t"    \
    "vadd.i32 q7, q7, q3\n\t"
#define REQUANTIZE(q, fix)                \
    "vldrw.u32 q0, [r9], #16\n\t"         \
    "vadd.i32 " q ", " q ", q0\n\t"       \
    "vldrw.u32 q1, [r9], #16\n\t"         \
    "vqrdmulh.s32 " q ", " q ", q1\n\t"   \
    fix(q) "vldrw.u32 q2, [r9], #16\n\t"  \
    "vrshl.s32 " q ", " q ", q2\n\t"
/* y - [y < 0]; see edgeq_requantize_x4. */
#define FIX(q)                     \
    "vshr.s32 q0, " q ", #31\n\t"  \
    "vadd.i32 " q ", " q ", q0\n\t"
#define NO_FIX(q) ""
/* To bytes in q2. Where the output's offset is -128, saturation to 0 ... 255 comes first. */
#define NARROW                     \
    "vqmovnb.s32 q0, q4\n\t"       \
    "vqmovnt.s32 q0, q5\n\t"       \
    "vqmovnb.s32 q1, q6\n\t"       \
    "vqmovnt.s32 q1, q7\n\t"
#define SATURATE NARROW            \
    "vqmovunb.s16 q2, q0\n\t"      \
    "vqmovunt.s16 q2, q1\n\t"      \
    "vadd.i8 q2, q2, r11\n\t"
/* The offset is back in r11 then. */
#define LIMIT NARROW               \
    "vqadd.s16 q0, q0, r11\n\t"    \
    "vqadd.s16 q1, q1, r11\n\t"    \
    "vqmovnb.s16 q2, q0\n\t"       \
    "vqmovnt.s16 q2, q1\n\t"       \
    "ldr r11, %[low]\n\t"          \
    "vdup.8 q3, r11\n\t"           \
    "vmax.s8 q2, q2, q3\n\t"       \
    "ldr r11, %[high]\n\t"         \
    "vdup.8 q3, r11\n\t"           \
    "vmin.s8 q2, q2, q3\n\t"       \
    "ldr r11, %[offset]\n\t"

#define ADD_TO_TAPS(a, b, c)       \
    "add " a ", lr\n\t"            \
    "add " b ", lr\n\t"            \
    "add " c ", lr\n\t"

/* r0 to r8 are the taps, r9 goes through the table, r10 through the results. */
#define PIXELS(fix, limit)                                                                   \
    "ldm r12, {r0, r1, r2, r3, r4, r5, r6, r7, r8}\n\t"                                      \
    "ldr r9, %[table]\n\t"                                                                   \
    "ldr r10, %[y]\n\t"                                                                      \
    "ldr r11, %[offset]\n\t"                                                                 \
    "ldr r12, %[back]\n"                                                                     \
    "1:\n\t"                                                                                 \
    "ldr lr, %[blocks]\n\t"                                                                  \
    "dls lr, lr\n"                                                                           \
    "2:\n\t" FOUR("r0", "r1", "r2", "r3")                                                    \
    FIRST("r4") ADD("r5") WIDEN_AND_ADD                                                      \
    FIRST("r6") ADD("r7") WIDEN_AND_ADD                                                      \
    FIRST("r8") WIDEN_AND_ADD                                                                \
    REQUANTIZE("q4", fix) REQUANTIZE("q5", fix) REQUANTIZE("q6", fix) REQUANTIZE("q7", fix)  \
    limit                                                                                    \
    "vstrb.8 q2, [r10], #16\n\t"                                                             \
    "sub r9, r12\n\t"                                                                        \
    "le lr, 2b\n\t"                                                                          \
    "ldr lr, %[turns]\n\t"                                                                   \
    "subs lr, #1\n\t"                                                                        \
    "str lr, %[turns]\n\t"                                                                   \
    "beq 6f\n\t"                                                                             \
    "ldr lr, %[moves]\n\t"                                                                   \
    "cmp lr, #0\n\t"                                                                         \
    "bne 4f\n"                                                                               \
    "3:\n\t"                                                                                 \
    "ldr lr, %[rewind]\n\t"                                                                  \
    "sub r9, lr\n\t"                                                                         \
    "b 1b\n"                                                                                 \
    "4:\n\t"                                                                                 \
    "ldr lr, %[again]\n\t"                                                                   \
    "cmp lr, #0\n\t"                                                                         \
    "beq 5f\n\t"                                                                             \
    "ldr lr, %[turns]\n\t"                                                                   \
    "tst lr, #1\n\t"                                                                         \
    "beq 5f\n\t"                                                                             \
    "ldr lr, %[again]\n\t"                                                                   \
    "rsb lr, lr, #0\n\t"                                                                     \
    "add r10, lr\n\t" ADD_TO_TAPS("r0", "r1", "r2")                                          \
    ADD_TO_TAPS("r3", "r4", "r5") ADD_TO_TAPS("r6", "r7", "r8")                              \
    "mov lr, #1\n\t"                                                                         \
    "dls lr, lr\n\t"                                                                         \
    "b 2b\n"                                                                                 \
    "5:\n\t"                                                                                 \
    "ldr lr, %[step0]\n\t" ADD_TO_TAPS("r0", "r1", "r2")                                     \
    "ldr lr, %[step1]\n\t" ADD_TO_TAPS("r3", "r4", "r5")                                     \
    "ldr lr, %[step2]\n\t" ADD_TO_TAPS("r6", "r7", "r8")                                     \
    "b 3b\n"                                                                                 \
    "6:\n\t"                                                                                 \
    "str r10, %[y]\n\t"

#define ASSEMBLE(code)                                                                                         \
    __asm__ volatile(code                                                                                      \
                     : "+r"(from), [y] "+m"(r->y), [turns] "+m"(r->turns)                                      \
                     : [table] "m"(r->table), [back] "m"(r->back), [rewind] "m"(r->rewind),                    \
                       [blocks] "m"(r->blocks), [again] "m"(r->again), [step0] "m"(r->step[0]),                \
                       [step1] "m"(r->step[1]), [step2] "m"(r->step[2]), [moves] "m"(r->moves),                \
                       [offset] "m"(r->out.offset), [low] "m"(r->out.low), [high] "m"(r->out.high)             \
                     : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "lr", "q0",   \
                       "q1", "q2", "q3", "q4", "q5", "q6", "q7", "cc", "memory")

/* Of what is rectified, saturation is all that limits. */
static EDGEQ_ALWAYS_INLINE void convolve(run *r)
{
    register const int8_t *const *from __asm__("r12") = r->tap;

    if (edgeq_is_rectified(r->out) && r->out.low == -128 && r->out.high == 127) {
        ASSEMBLE(PIXELS(NO_FIX, SATURATE));
    } else {
        ASSEMBLE(PIXELS(FIX, LIMIT));
    }
}

#else

/* Sixteen channels of a pixel. */
static void convolve_block(const run *r, const int8_t *const *tap, const int32_t *k)
{
    int32_t lane, i;

    for (lane = 0; lane < LANES; ++lane) {
        /* The vectors hold every fourth channel: first the even, then the odd ones. */
        const int32_t vector = lane % 2 * 2 + lane / 2 % 2;
        const int32_t *const quant = k + TAPS * LANES / 4 + 12 * vector + lane / 4;
        int32_t sum = quant[0];
        for (i = 0; i < TAPS; ++i) {
            sum += tap[i][lane] * edgeq_table_byte(k, LANES * i + lane);
        }
        r->y[lane] = edgeq_finish_one(sum, quant[4], quant[8], r->out);
    }
}

static void convolve(run *r)
{
    const int32_t *k = r->table;
    bool is_last = false; /* of a pixel's two turns */
    int32_t block, i;

    for (;;) {
        for (block = is_last ? 1 : r->blocks; block > 0; --block) {
            convolve_block(r, r->tap, k);
            for (i = 0; i < TAPS; ++i) {
                r->tap[i] += LANES;
            }
            r->y += LANES;
            k += RECORD - r->back / 4;
        }
        if (--r->turns == 0) {
            return;
        }
        is_last = r->again != 0 && !is_last;
        for (i = 0; i < TAPS; ++i) {
            r->tap[i] += is_last ? -r->again : r->step[i / 3];
        }
        r->y -= is_last ? r->again : 0;
        k -= is_last ? 0 : r->rewind / 4;
    }
}

#endif

/* What the windows have in common, and where those of a row of the output are. */
typedef struct {
    const cmsis_nn_dw_conv_params *p;
    const cmsis_nn_dims *in;
    int32_t unit;          /* pixels in a vector: two of eight channels, else one */
    int32_t step;          /* from a pixel's last channel to the next window's first, in bytes */
    const int8_t *zeros;   /* as many zero points as the channels of a unit */
    int8_t *edges;         /* of two pixels: a zero point and the image's first one, its last one and a zero point */
    const int8_t *line[3]; /* the image's rows under those of the window, zeros beside it */
    int32_t mask[3];       /* all ones; 0 beside the image */
} layer;

#define RIGHT_EDGES (3 * LANES)
#define EDGES (6 * LANES)

static EDGEQ_ALWAYS_INLINE void start_row(layer *v, run *r, const int8_t *image, int32_t y)
{
    const int32_t channels = v->in->c;
    const int32_t pitch = v->in->w * channels;
    int32_t row;

    r->moves = r->again;
    for (row = 0; row < 3; ++row, y += v->p->dilation.h) {
        const bool is_on_image = y >= 0 && y < v->in->h;
        const int8_t *const line = is_on_image ? image + y * pitch : v->zeros;

        v->line[row] = line;
        v->mask[row] = is_on_image ? -1 : 0;
        r->step[row] = is_on_image ? v->step : -v->unit * channels;
        r->moves |= r->step[row];
        if (v->unit == 2 && is_on_image) {
            memcpy(v->edges + row * LANES + LANES / 2, line, LANES / 2);
            memcpy(v->edges + row * LANES + RIGHT_EDGES, line + pitch - LANES / 2, LANES / 2);
        }
    }
}

/* The taps of the window whose first column is at x. */
static EDGEQ_ALWAYS_INLINE void find_taps(const layer *v, const int8_t **tap, int32_t x)
{
    int32_t col, row;

    for (col = 0; col < 3; ++col, x += v->p->dilation.w) {
        if (x >= 0 && x + v->unit <= v->in->w) {
            for (row = 0; row < 3; ++row) {
                tap[3 * row + col] = v->line[row] + (x * v->in->c & v->mask[row]);
            }
        } else if (x > -v->unit && x < v->in->w) {
            for (row = 0; row < 3; ++row) {
                const int8_t *const edge = v->edges + row * LANES + (x < 0 ? 0 : RIGHT_EDGES);
                tap[3 * row + col] = v->mask[row] != 0 ? edge : v->zeros;
            }
        } else {
            for (row = 0; row < 3; ++row) {
                tap[3 * row + col] = v->zeros;
            }
        }
    }
}

/* So many pixels, or twos of them, from column x of the image on have windows that lie inside of its width; one else. */
static int32_t count_alike(const layer *v, int32_t x, int32_t most)
{
    const int32_t beyond = v->in->w - 2 * v->p->dilation.w - v->unit + 1;
    int32_t count;

    if (x < 0 || x >= beyond) {
        return 1;
    }
    count = (beyond - 1 - x) / (v->p->stride.w * v->unit) + 1;
    return count < most ? count : most;
}

static bool is_computable(const cmsis_nn_dw_conv_params *p, const cmsis_nn_dims *in, const cmsis_nn_dims *filter,
                          const cmsis_nn_dims *out)
{
    return filter->h == 3 && filter->w == 3 && p->ch_mult == 1 && edgeq_is_depthwise_convolution(p, in, filter, out);
}

arm_cmsis_nn_status edgeq_depthwise_conv_3x3_mve_s8(const cmsis_nn_context *ctx,
                                                    const cmsis_nn_dw_conv_params *dw_conv_params,
                                                    const cmsis_nn_dims *input_dims,
                                                    const int8_t *input_data,
                                                    const cmsis_nn_dims *filter_dims,
                                                    const int32_t *packed,
                                                    const cmsis_nn_dims *output_dims,
                                                    int8_t *output_data)
{
    const cmsis_nn_dw_conv_params *const p = dw_conv_params;
    const int32_t channels = input_dims->c;
    const int32_t blocks = channels < LANES ? 1 : channels / LANES;
    const bool is_paired = channels == LANES / 2 && p->stride.w == 1 && output_dims->w > 1;
    const bool is_narrow = channels < LANES && !is_paired;
    /* The edges of twos and two zero points; or, of fewer than sixteen channels, all taps and the result. */
    int8_t room[(TAPS + 1) * LANES] = {0};
    layer v;
    run r;
    int32_t n, out_y, out_x, i;

    if (!is_computable(p, input_dims, filter_dims, output_dims) || ctx->buf == NULL || ctx->size < channels) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    v.p = p;
    v.in = input_dims;
    v.unit = is_paired ? 2 : 1;
    v.edges = room;
    v.zeros = ctx->buf;
    v.step = (p->stride.w - 1) * channels;
    if (is_paired) {
        edgeq_mve_fill(room, -p->input_offset, EDGES + LANES);
        v.zeros = room + EDGES;
    } else {
        edgeq_mve_fill(ctx->buf, -p->input_offset, channels);
    }
    r.table = packed;
    r.y = output_data;
    r.again = channels > LANES ? -channels & (LANES - 1) : 0;
    r.rewind = 4 * RECORD * (blocks + (r.again != 0 ? 1 : 0));
    r.out.offset = p->output_offset;
    r.out.low = p->activation.min;
    r.out.high = p->activation.max;
    for (n = 0; n < input_dims->n; ++n, input_data += input_dims->h * input_dims->w * channels) {
        for (out_y = 0; out_y < output_dims->h; ++out_y) {
            bool is_one_turn;
            int32_t count;

            start_row(&v, &r, input_data, out_y * p->stride.h - p->padding.h);
            /* Of all its pixels: the record stays. */
            is_one_turn = blocks == 1 && r.moves == 0;
            r.back = is_one_turn ? 4 * RECORD : 0;
            for (out_x = 0; out_x < output_dims->w; out_x += count * v.unit) {
                int8_t *const y = r.y;
                int32_t x;

                if (out_x + v.unit > output_dims->w) {
                    /* One is left: the one before it is computed again. */
                    --out_x;
                    r.y -= channels;
                }
                x = out_x * p->stride.w - p->padding.w;
                count = is_narrow ? 1 : count_alike(&v, x, (output_dims->w - out_x) / v.unit);
                find_taps(&v, r.tap, x);
                if (is_one_turn) {
                    r.blocks = count;
                    r.turns = 1;
                } else {
                    r.blocks = blocks;
                    r.turns = r.again != 0 ? 2 * count : count;
                }
                if (is_narrow) {
                    for (i = 0; i < TAPS; ++i) {
                        edgeq_mve_copy(room + i * LANES, r.tap[i], channels);
                        r.tap[i] = room + i * LANES;
                    }
                    r.y = room + TAPS * LANES;
                }
                convolve(&r);
                if (is_narrow) {
                    edgeq_mve_copy(y, room + TAPS * LANES, channels);
                    r.y = y + channels;
                }
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
