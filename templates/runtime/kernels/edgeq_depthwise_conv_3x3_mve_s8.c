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

/* Pixels of a row whose windows are alike. */
typedef struct {
    const int8_t *tap[TAPS]; /* of the first pixel */
    const int32_t *table;
    int32_t back;   /* bytes from a record's end to the one that comes next, upwards */
    int32_t rewind; /* from the last record's end to the first, when `back` has been taken */
    int32_t blocks; /* of sixteen channels */
    int32_t step;   /* from a pixel's last channel to the next window's first, in bytes */
    int32_t y_step; /* the same for results */
    int32_t pixels;
    int8_t *y;
    edgeq_output out;
} run;

#if defined(__ARM_FEATURE_MVE)

#define FIRST(x)                    \
    "vldrb.u8 q2, [" x "], #16\n\t" \
    "vldrb.u8 q3, [r9], #16\n\t"    \
    "vmullb.s8 q0, q2, q3\n\t"      \
    "vmullt.s8 q1, q2, q3\n\t"
/* While q4 to q7 are not free: the weights are loaded twice. */
#define ADD(x)                      \
    "vldrb.u8 q2, [" x "], #16\n\t" \
    "vldrb.u8 q3, [r9]\n\t"         \
    "vmullb.s8 q3, q2, q3\n\t"      \
    "vadd.i16 q0, q0, q3\n\t"       \
    "vldrb.u8 q3, [r9], #16\n\t"    \
    "vmullt.s8 q3, q2, q3\n\t"      \
    "vadd.i16 q1, q1, q3\n\t"
#define ADD_EARLY(x)                \
    "vldrb.u8 q2, [" x "], #16\n\t" \
    "vldrb.u8 q3, [r9], #16\n\t"    \
    "vmullb.s8 q4, q2, q3\n\t"      \
    "vadd.i16 q0, q0, q4\n\t"       \
    "vmullt.s8 q5, q2, q3\n\t"      \
    "vadd.i16 q1, q1, q5\n\t"
/* Sums in sixteen bits to those in 32: q4 of channels 0 4 8 12, q5 of 2 6 10 14, q6 of 1 5 9 13, q7 of 3 7 11 15. */
#define WIDEN                  \
    "vmovlb.s16 q4, q0\n\t"    \
    "vmovlt.s16 q5, q0\n\t"    \
    "vmovlb.s16 q6, q1\n\t"    \
    "vmovlt.s16 q7, q1\n\t"
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
/* To the activation's range; the offset is back in r11 then. */
#define LIMIT                      \
    "ldr r11, %[low]\n\t"          \
    "vdup.8 q3, r11\n\t"           \
    "vmax.s8 q2, q2, q3\n\t"       \
    "ldr r11, %[high]\n\t"         \
    "vdup.8 q3, r11\n\t"           \
    "vmin.s8 q2, q2, q3\n\t"       \
    "ldr r11, %[offset]\n\t"
#define NO_LIMIT ""

#define PIXELS(fix, limit)                                                                   \
    "ldm r12, {r0, r1, r2, r3, r4, r5, r6, r7, r8}\n\t"                                      \
    "ldr r12, %[back]\n"                                                                     \
    "1:\n\t"                                                                                 \
    "ldr r11, %[offset]\n\t"                                                                 \
    "ldr lr, %[blocks]\n\t"                                                                  \
    "dls lr, lr\n"                                                                           \
    "2:\n\t" FIRST("r0") ADD_EARLY("r1") WIDEN                                               \
    FIRST("r2") ADD("r3") WIDEN_AND_ADD                                                      \
    FIRST("r4") ADD("r5") WIDEN_AND_ADD                                                      \
    FIRST("r6") ADD("r7") WIDEN_AND_ADD                                                      \
    FIRST("r8") WIDEN_AND_ADD                                                                \
    REQUANTIZE("q4", fix) REQUANTIZE("q5", fix) REQUANTIZE("q6", fix) REQUANTIZE("q7", fix)  \
    "vqmovnb.s32 q0, q4\n\t"                                                                 \
    "vqmovnt.s32 q0, q5\n\t"                                                                 \
    "vqmovnb.s32 q1, q6\n\t"                                                                 \
    "vqmovnt.s32 q1, q7\n\t"                                                                 \
    "vqadd.s16 q0, q0, r11\n\t"                                                              \
    "vqadd.s16 q1, q1, r11\n\t"                                                              \
    "vqmovnb.s16 q2, q0\n\t"                                                                 \
    "vqmovnt.s16 q2, q1\n\t" limit                                                           \
    "vstrb.8 q2, [r10], #16\n\t"                                                             \
    "sub r9, r12\n\t"                                                                        \
    "le lr, 2b\n\t"                                                                          \
    "ldr r11, %[pixels]\n\t"                                                                 \
    "subs r11, #1\n\t"                                                                       \
    "beq 3f\n\t"                                                                             \
    "str r11, %[pixels]\n\t"                                                                 \
    "ldr r11, %[rewind]\n\t"                                                                 \
    "sub r9, r11\n\t"                                                                        \
    "ldr r11, %[y_step]\n\t"                                                                 \
    "add r10, r11\n\t"                                                                       \
    "ldr r11, %[step]\n\t"                                                                   \
    "add r0, r11\n\t"                                                                        \
    "add r1, r11\n\t"                                                                        \
    "add r2, r11\n\t"                                                                        \
    "add r3, r11\n\t"                                                                        \
    "add r4, r11\n\t"                                                                        \
    "add r5, r11\n\t"                                                                        \
    "add r6, r11\n\t"                                                                        \
    "add r7, r11\n\t"                                                                        \
    "add r8, r11\n\t"                                                                        \
    "b 1b\n"                                                                                 \
    "3:\n\t"

#define DEFINE_CONVOLVE(name, code)                                                                                 \
    static EDGEQ_NOINLINE void name(const run *of)                                                                  \
    {                                                                                                               \
        run r = *of;                                                                                                \
        register const run *from __asm__("r12") = of;                                                               \
        register const int32_t *k __asm__("r9") = of->table;                                                        \
        register int8_t *to __asm__("r10") = of->y;                                                                 \
                                                                                                                    \
        __asm__ volatile(code                                                                                       \
                         : "+r"(from), "+r"(k), "+r"(to), [pixels] "+m"(r.pixels)                                   \
                         : [back] "m"(r.back), [rewind] "m"(r.rewind), [blocks] "m"(r.blocks), [step] "m"(r.step),  \
                           [y_step] "m"(r.y_step), [offset] "m"(r.out.offset), [low] "m"(r.out.low),                \
                           [high] "m"(r.out.high)                                                                   \
                         : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r11", "lr", "q0", "q1", "q2",     \
                           "q3", "q4", "q5", "q6", "q7", "cc", "memory");                                           \
    }

DEFINE_CONVOLVE(convolve_limited, PIXELS(FIX, LIMIT))
DEFINE_CONVOLVE(convolve_rectified, PIXELS(NO_FIX, NO_LIMIT))

static void convolve(const run *r)
{
    if (edgeq_is_rectified(r->out) && r->out.low == -128 && r->out.high == 127) {
        convolve_rectified(r);
    } else {
        convolve_limited(r);
    }
}

#else

static void convolve(const run *r)
{
    const int32_t *k = r->table;
    int32_t x = 0;
    int32_t y = 0;
    int32_t pixel, block, lane, i;

    for (pixel = 0; pixel < r->pixels; ++pixel) {
        for (block = 0; block < r->blocks; ++block) {
            for (lane = 0; lane < LANES; ++lane) {
                /* The vectors hold every fourth channel: first the even, then the odd ones. */
                const int32_t vector = lane % 2 * 2 + lane / 2 % 2;
                const int32_t *const quant = k + TAPS * LANES / 4 + 12 * vector + lane / 4;
                int32_t sum = quant[0];
                for (i = 0; i < TAPS; ++i) {
                    sum += r->tap[i][x + lane] * edgeq_table_byte(k, LANES * i + lane);
                }
                r->y[y + lane] = edgeq_finish_one(sum, quant[4], quant[8], r->out);
            }
            x += LANES;
            y += LANES;
            k += RECORD - r->back / 4;
        }
        x += r->step;
        y += r->y_step;
        k -= r->rewind / 4;
    }
}

#endif

/* What the windows have in common. */
typedef struct {
    const cmsis_nn_dw_conv_params *p;
    const cmsis_nn_dims *in;
    const int8_t *zeros; /* as many zero points as there are channels */
    int32_t row_step;    /* from tap to tap, in bytes */
    int32_t col_step;
} layer;

/* The taps of the window whose corner is at (y, x). */
static EDGEQ_ALWAYS_INLINE void find_taps(const layer *v, const int8_t *image, int32_t y, int32_t x, const int8_t **tap)
{
    const int32_t width = v->in->w;
    const int32_t height = v->in->h;
    const int32_t mid = x + v->p->dilation.w;
    const int32_t right = mid + v->p->dilation.w;
    const bool has_left = x >= 0 && x < width;
    const bool has_mid = mid >= 0 && mid < width;
    const bool has_right = right >= 0 && right < width;
    const int8_t *line = image + (y * width + x) * v->in->c;
    int32_t row;

    for (row = 0; row < 3; ++row, tap += 3) {
        const bool is_on_image = y >= 0 && y < height;
        tap[0] = is_on_image && has_left ? line : v->zeros;
        tap[1] = is_on_image && has_mid ? line + v->col_step : v->zeros;
        tap[2] = is_on_image && has_right ? line + 2 * v->col_step : v->zeros;
        line += v->row_step;
        y += v->p->dilation.h;
    }
}

/* The pixels of r, which have fewer than sixteen channels: their taps are copied, for vectors reach beyond. */
static EDGEQ_NOINLINE void convolve_narrow(const layer *v, const run *r)
{
    const int32_t step = v->p->stride.w * v->in->c;
    int8_t copies[TAPS * LANES] = {0};
    int8_t result[LANES];
    int8_t *y = r->y;
    run one = *r;
    int32_t pixel, i;

    one.blocks = 1;
    one.pixels = 1;
    one.y = result;
    for (i = 0; i < TAPS; ++i) {
        one.tap[i] = copies + i * LANES;
    }
    for (pixel = 0; pixel < r->pixels; ++pixel, y += v->in->c) {
        for (i = 0; i < TAPS; ++i) {
            edgeq_copy_bytes(copies + i * LANES, r->tap[i] + pixel * step, v->in->c);
        }
        convolve(&one);
        edgeq_copy_bytes(y, result, v->in->c);
    }
}

/* Some pixels of more channels, no multiple of sixteen. The last record is of the last sixteen: some are computed again. */
static EDGEQ_NOINLINE void convolve_odd(const layer *v, run *r)
{
    const int32_t channels = v->in->c;
    const int32_t whole = channels / LANES * LANES;
    const int32_t last = channels - LANES;
    const int32_t *const table = r->table;
    int8_t *y = r->y;
    int32_t pixels = r->pixels;
    int32_t i;

    r->pixels = 1;
    for (; pixels > 0; --pixels, y += channels) {
        r->table = table;
        r->blocks = whole / LANES;
        r->y = y;
        convolve(r);
        for (i = 0; i < TAPS; ++i) {
            r->tap[i] += last;
        }
        r->table = table + whole / LANES * RECORD;
        r->blocks = 1;
        r->y = y + last;
        convolve(r);
        for (i = 0; i < TAPS; ++i) {
            r->tap[i] += v->p->stride.w * channels - last;
        }
    }
}

/* So many pixels at y whose windows are alike; r has the taps of the first. */
static void convolve_run(const layer *v, const int32_t *table, run *r, int8_t *y, int32_t pixels)
{
    const int32_t channels = v->in->c;

    r->table = table;
    r->y = y;
    r->pixels = pixels;
    r->back = 0;
    r->rewind = 4 * RECORD * (channels / LANES);
    r->blocks = channels / LANES;
    r->step = (v->p->stride.w - 1) * channels;
    r->y_step = 0;
    if (channels == LANES / 2 && v->p->stride.w == 1 && pixels > 1) {
        int32_t i;
        r->back = 4 * RECORD;
        r->rewind = 0;
        r->blocks = pixels / 2;
        r->pixels = 1;
        convolve(r);
        if (pixels % 2 == 0) {
            return;
        }
        for (i = 0; i < TAPS; ++i) {
            r->tap[i] += (pixels - 1) * channels;
        }
        r->y = y + (pixels - 1) * channels;
    }
    if (channels < LANES) {
        convolve_narrow(v, r);
    } else if (channels % LANES == 0) {
        convolve(r);
    } else {
        convolve_odd(v, r);
    }
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
    const int32_t inside_w = input_dims->w - 2 * p->dilation.w;
    const int32_t inside_h = input_dims->h - 2 * p->dilation.h;
    const layer v = {
        p, input_dims, ctx->buf, p->dilation.h * input_dims->w * channels, p->dilation.w * channels};
    run r;
    int32_t n, out_y, out_x;

    if (!is_computable(p, input_dims, filter_dims, output_dims) || ctx->buf == NULL || ctx->size < channels) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    r.out.offset = p->output_offset;
    r.out.low = p->activation.min;
    r.out.high = p->activation.max;
    edgeq_fill_bytes(ctx->buf, -p->input_offset, channels);
    for (n = 0; n < input_dims->n; ++n) {
        for (out_y = 0; out_y < output_dims->h; ++out_y) {
            const int32_t y = out_y * p->stride.h - p->padding.h;
            const bool is_inner_row = y >= 0 && y < inside_h;
            int32_t x = -p->padding.w;
            int32_t pixels;

            for (out_x = 0; out_x < output_dims->w; out_x += pixels, x += pixels * p->stride.w) {
                pixels = 1;
                find_taps(&v, input_data, y, x, r.tap);
                if (is_inner_row && x >= 0 && x < inside_w) {
                    pixels = (inside_w - 1 - x) / p->stride.w + 1;
                    if (pixels > output_dims->w - out_x) {
                        pixels = output_dims->w - out_x;
                    }
                }
                convolve_run(&v, packed, &r, output_data, pixels);
                output_data += pixels * channels;
            }
        }
        input_data += input_dims->h * input_dims->w * channels;
    }
    return ARM_CMSIS_NN_SUCCESS;
}
