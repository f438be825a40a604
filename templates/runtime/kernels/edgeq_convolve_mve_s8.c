/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution for cores with the vector extension: two output pixels by four channels at a time.
 *
 * Sixteen input bytes of both pixels and four channels, 128 MACs, cost 14 instructions: six loads, eight VMLADAVA, whose
 * sums take all even registers. The input's offset is part of the bias, so that pixels need none, and what lies outside
 * of the image counts as the zero point. A row of a window, kernel width times channels, is contiguous in the image:
 * windows are read where they are, only those that hang over an edge are copied. Where rows are short, it pays to copy
 * all of them, for then a window is one row.
 */
#include "edgeq_kernels_mve.h"
#include "edgeq_mve.h"
#include "edgeq_window.h"

/* What all windows have in common. */
typedef struct {
    int32_t rows;     /* of a window */
    int32_t steps;    /* of sixteen bytes in a row, but for the last one */
    int32_t last;     /* bytes of the last step, 1 ... 16 */
    int32_t channels; /* of the output */
    edgeq_output out;
} layer;

/* Words of a table's record beside the weights: bias, multiplier and shift of four channels. */
#define QUANT_WORDS 12

/* The words of a record. */
static inline int32_t record_words(const layer *v)
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

static inline bool is_whole(const layer *v)
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
    static EDGEQ_NOINLINE void name(const layer *v, const int8_t *x, int32_t step, int32_t pitch,                   \
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
static void convolve(const layer *v, const int8_t *x, int32_t step, int32_t pitch, const int32_t *table, int8_t *y,
                     int32_t y_step, int32_t pairs)
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

static void convolve_one(const layer *v, const int8_t *x, int32_t pitch, const int32_t *table, int8_t *y)
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

static void convolve(const layer *v, const int8_t *x, int32_t step, int32_t pitch, const int32_t *table, int8_t *y,
                     int32_t y_step, int32_t pairs)
{
    for (; pairs > 0; --pairs, x += 2 * step, y += 2 * y_step) {
        convolve_one(v, x, pitch, table, y);
        convolve_one(v, x + step, pitch, table, y + y_step);
    }
}

#endif

/* Where the windows are: walks from left to right, from top to bottom, image after image, or the other way round. */
typedef struct {
    const cmsis_nn_conv_params *p;
    const cmsis_nn_dims *in;
    const cmsis_nn_dims *filter;
    const cmsis_nn_dims *out;
    const int8_t *image;
    int32_t step_x;   /* from window to window: in pixels, in bytes */
    int32_t step;
    int32_t inside_x; /* so many columns and rows, from 0 on, have windows that lie in the image as a whole */
    int32_t inside_y;
    int32_t row;      /* of the output */
    int32_t left;     /* windows of it that are to come */
    bool backwards;
    /* The next window's top left corner; beside the image where it hangs over an edge. */
    int32_t x;
    int32_t y;
    int32_t corner; /* from the image's first byte */
} cursor;

static void start_row(cursor *c)
{
    const int32_t first = c->backwards ? c->out->w - 1 : 0;

    c->left = c->out->w;
    c->x = first * c->p->stride.w - c->p->padding.w;
    c->y = c->row * c->p->stride.h - c->p->padding.h;
    c->corner = (c->y * c->in->w + c->x) * c->in->c;
}

static void start_next_row(cursor *c)
{
    const int32_t bytes = c->in->h * c->in->w * c->in->c;

    c->row += c->backwards ? -1 : 1;
    if (c->row < 0) {
        c->row = c->out->h - 1;
        c->image -= bytes;
    } else if (c->row == c->out->h) {
        c->row = 0;
        c->image += bytes;
    }
    start_row(c);
}

/* Moves on by so many windows, which are of the same row. */
static inline void move_on(cursor *c, int32_t windows)
{
    c->x += windows * c->step_x;
    c->corner += windows * c->step;
    c->left -= windows;
    if (c->left == 0) {
        start_next_row(c);
    }
}

static inline bool is_inside(const cursor *c)
{
    return c->x >= 0 && c->x < c->inside_x && c->y >= 0 && c->y < c->inside_y;
}

/* The windows from the next one on that are of its row and lie inside of the image. */
static int32_t windows_inside(const cursor *c)
{
    int32_t windows;

    if (!is_inside(c)) {
        return 0;
    }
    windows = (c->backwards ? c->x : c->inside_x - 1 - c->x) / c->p->stride.w + 1;
    return windows < c->left ? windows : c->left;
}

/* The columns of taps on the image; without a division where they are neighbours. */
static inline edgeq_taps clip_columns(const cursor *c, int32_t dilation)
{
    const int32_t width = c->filter->w;
    edgeq_taps cols;

    if (dilation != 1) {
        return edgeq_clip_taps(c->x, c->in->w, width, dilation);
    }
    cols.first = c->x < 0 ? -c->x : 0;
    cols.end = c->in->w - c->x < width ? c->in->w - c->x : width;
    return cols;
}

#if defined(__ARM_FEATURE_MVE)

/* Copies the next window, whose rows have up to sixteen bytes without gaps. Writes sixteen of the last row. */
static EDGEQ_NOINLINE void copy_short_window(const cursor *c, int8_t *copy)
{
    const int32_t channels = c->in->c;
    const int32_t bytes = c->filter->w * channels;
    const int32_t pitch = c->p->dilation.h * c->in->w * channels;
    const int8_t *x = c->image + c->corner;
    int32_t rows = c->filter->h;

    if (is_inside(c)) {
        const mve_pred16_t mask = vctp8q((uint32_t)bytes);
        do {
            vstrbq_s8(copy, vldrbq_z_s8(x, mask));
            x += pitch;
            copy += bytes;
        } while (--rows > 0);
    } else {
        const edgeq_taps cols = clip_columns(c, 1);
        const int8x16_t zero = vdupq_n_s8((int8_t)-c->p->input_offset);
        const uint32_t lanes =
            cols.end > cols.first ? (1u << cols.end * channels) - (1u << cols.first * channels) : 0u;
        const mve_pred16_t mask = (mve_pred16_t)lanes;
        int32_t y = c->y;
        do {
            const bool is_row = y >= 0 && y < c->in->h;
            vstrbq_s8(copy, is_row ? vpselq_s8(vldrbq_z_s8(x, mask), zero, mask) : zero);
            x += pitch;
            y += c->p->dilation.h;
            copy += bytes;
        } while (--rows > 0);
    }
}

#endif

/* Copies the next window, the zero point in place of what is not on the image. */
static EDGEQ_NOINLINE void copy_any_window(const cursor *c, int8_t *copy)
{
    const int32_t channels = c->in->c;
    const int32_t height = c->in->h;
    const int32_t dilation = c->p->dilation.w;
    const int32_t row_dilation = c->p->dilation.h;
    const int32_t bytes = c->filter->w * channels;
    const int32_t pitch = row_dilation * c->in->w * channels;
    const edgeq_taps cols = clip_columns(c, dilation);
    /* Taps that are neighbours are copied in one run. */
    const int32_t taps = cols.end > cols.first ? cols.end - cols.first : 0;
    const int32_t runs = dilation == 1 ? 1 : taps;
    const int32_t run = dilation == 1 ? taps * channels : channels;
    const int8_t *line = c->image + c->corner + cols.first * dilation * channels;
    int32_t y = c->y;
    int32_t rows = c->filter->h;

    if (!is_inside(c)) {
        edgeq_fill_bytes(copy, -c->p->input_offset, bytes * rows);
    }
    copy += cols.first * channels;
    for (; rows > 0; --rows, copy += bytes, line += pitch, y += row_dilation) {
        if (y >= 0 && y < height) {
            const int8_t *from = line;
            int8_t *to = copy;
            int32_t i;
            for (i = runs; i > 0; --i, from += dilation * channels, to += channels) {
                edgeq_copy_bytes(to, from, run);
            }
        }
    }
}

static inline void copy_window(const cursor *c, int8_t *copy)
{
#if defined(__ARM_FEATURE_MVE)
    if (c->filter->w * c->in->c <= 16 && c->p->dilation.w == 1) {
        copy_short_window(c, copy);
        return;
    }
#endif
    copy_any_window(c, copy);
}

static bool is_computable(const cmsis_nn_conv_params *p, const cmsis_nn_dims *in, const cmsis_nn_dims *filter,
                          const cmsis_nn_dims *out)
{
    if (in->n < 1 || in->h < 1 || in->w < 1 || in->c < 1 || filter->h < 1 || filter->w < 1 || out->h < 1 ||
        out->w < 1 || out->c < 4) {
        return false;
    }
    if (p->stride.h < 1 || p->stride.w < 1 || p->dilation.h < 1 || p->dilation.w < 1 || p->padding.h < 0 ||
        p->padding.w < 0) {
        return false;
    }
    return filter->c == in->c;
}

/* Whether windows are pixels, one after the other. */
static bool is_pointwise(const cmsis_nn_conv_params *p, const cmsis_nn_dims *in, const cmsis_nn_dims *filter,
                         const cmsis_nn_dims *out)
{
    return filter->h == 1 && filter->w == 1 && p->stride.h == 1 && p->stride.w == 1 && p->padding.h == 0 &&
           p->padding.w == 0 && out->h == in->h && out->w == in->w;
}

arm_cmsis_nn_status edgeq_convolve_mve_s8(const cmsis_nn_context *ctx,
                                          const cmsis_nn_conv_params *conv_params,
                                          const cmsis_nn_dims *input_dims,
                                          const int8_t *input_data,
                                          const cmsis_nn_dims *filter_dims,
                                          const int32_t *packed,
                                          bool copies_all,
                                          bool backwards,
                                          const cmsis_nn_dims *output_dims,
                                          int8_t *output_data)
{
    const cmsis_nn_conv_params *const p = conv_params;
    const int32_t channels = input_dims->c;
    const int32_t size = filter_dims->h * filter_dims->w * channels;
    const int32_t room = (size + 15) / 16 * 16;
    const int32_t rows = copies_all || filter_dims->h < 1 ? 1 : filter_dims->h;
    const int32_t bytes = size / rows;
    const int32_t steps = (bytes - 1) / 16;
    const int32_t pitch = p->dilation.h * input_dims->w * channels;
    const int32_t pixels = input_dims->n * output_dims->h * output_dims->w;
    const int32_t y_step = backwards ? -output_dims->c : output_dims->c;
    const layer v = {
        rows, steps, bytes - 16 * steps, output_dims->c, {p->output_offset, p->activation.min, p->activation.max}};
    cmsis_nn_dims line = {1, 1, pixels, channels};
    int8_t *const copies = ctx->buf;
    int8_t *y = output_data;
    int32_t left = pixels;
    cursor c;

    if (!is_computable(p, input_dims, filter_dims, output_dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    c.p = p;
    c.in = input_dims;
    c.filter = filter_dims;
    c.out = output_dims;
    c.image = input_data;
    c.backwards = backwards;
    if (is_pointwise(p, input_dims, filter_dims, output_dims)) {
        c.in = &line;
        c.out = &line;
    }
    c.step_x = backwards ? -p->stride.w : p->stride.w;
    c.step = c.step_x * channels;
    c.inside_x = c.in->w - (filter_dims->w - 1) * p->dilation.w;
    c.inside_y = c.in->h - (filter_dims->h - 1) * p->dilation.h;
    c.row = 0;
    if (backwards) {
        c.image += (c.in->n - 1) * c.in->h * c.in->w * channels;
        c.row = c.out->h - 1;
        y += (pixels - 1) * output_dims->c;
    }
    start_row(&c);
    while (left > 0) {
        const int32_t pairs = copies_all ? 0 : windows_inside(&c) / 2;

        if (pairs > 0) {
            convolve(&v, c.image + c.corner, c.step, pitch, packed, y, y_step, pairs);
            y += 2 * pairs * y_step;
            left -= 2 * pairs;
            move_on(&c, 2 * pairs);
        } else if (left == 1 && is_inside(&c) && !copies_all) {
            /* The last of an odd number is computed twice. */
            convolve(&v, c.image + c.corner, 0, pitch, packed, y, 0, 1);
            left = 0;
        } else {
            if (copies == NULL || ctx->size < 2 * room + 16) {
                return ARM_CMSIS_NN_ARG_ERROR;
            }
            copy_window(&c, copies);
            if (left > 1) {
                move_on(&c, 1);
                copy_window(&c, copies + room);
                move_on(&c, 1);
                convolve(&v, copies, room, bytes, packed, y, y_step, 1);
                y += 2 * y_step;
            } else {
                convolve(&v, copies, 0, bytes, packed, y, 0, 1);
            }
            left -= 2;
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
