/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fully connected layer for cores with the DSP extension, four units at a time.
 *
 * Four inputs of four units, 16 MACs, cost 21 instructions (1.3 per MAC): one LDR of inputs, two LDRD of weights, ten
 * SXTB16, eight SMLAD. The input's offset is part of the bias.
 */
#include "edgeq_dsp.h"
#include "edgeq_kernels.h"

typedef struct {
    int32_t unit[4];
} sums;

/* Adds the products of the four inputs at x. */
static inline sums add_four(sums s, const int8_t *x, const int32_t **k)
{
    const uint32_t inputs = edgeq_load_s8x4(x);
    const uint32_t even = edgeq_even_bytes(inputs);
    const uint32_t odd = edgeq_odd_bytes(inputs);
    edgeq_word_pair w = edgeq_next_pair(k);

    s.unit[0] = edgeq_mac_both(even, edgeq_even_bytes(w.first), s.unit[0]);
    s.unit[0] = edgeq_mac_both(odd, edgeq_odd_bytes(w.first), s.unit[0]);
    s.unit[1] = edgeq_mac_both(even, edgeq_even_bytes(w.second), s.unit[1]);
    s.unit[1] = edgeq_mac_both(odd, edgeq_odd_bytes(w.second), s.unit[1]);
    w = edgeq_next_pair(k);
    s.unit[2] = edgeq_mac_both(even, edgeq_even_bytes(w.first), s.unit[2]);
    s.unit[2] = edgeq_mac_both(odd, edgeq_odd_bytes(w.first), s.unit[2]);
    s.unit[3] = edgeq_mac_both(even, edgeq_even_bytes(w.second), s.unit[3]);
    s.unit[3] = edgeq_mac_both(odd, edgeq_odd_bytes(w.second), s.unit[3]);
    return s;
}

/* Biases of four units, and the table moved on to their weights. */
static inline sums start(const int32_t **k)
{
    const edgeq_word_pair first = edgeq_next_pair(k);
    const edgeq_word_pair second = edgeq_next_pair(k);
    const sums s = {{(int32_t)first.first, (int32_t)first.second, (int32_t)second.first, (int32_t)second.second}};
    return s;
}

arm_cmsis_nn_status edgeq_fully_connected_dsp_s8(const cmsis_nn_fc_params *fc_params,
                                                 const cmsis_nn_dims *input_dims,
                                                 const int8_t *input_data,
                                                 const cmsis_nn_dims *filter_dims,
                                                 const int32_t *packed,
                                                 const cmsis_nn_dims *output_dims,
                                                 int8_t *output_data)
{
    const int32_t depth = filter_dims->n;
    const int32_t units = output_dims->c;
    const int32_t last = units - 4;
    const int32_t low = fc_params->activation.min;
    const int32_t high = fc_params->activation.max;
    int32_t batch;

    if (input_dims->n < 1 || depth < 4 || units < 4) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (batch = 0; batch < input_dims->n; ++batch, input_data += depth, output_data += units) {
        const int8_t *const end = input_data + depth;
        const int8_t *const whole = end - (depth & 3);
        const int32_t *k = packed;
        int32_t unit = 0;

        for (;;) {
            sums s = start(&k);
            const int8_t *x = input_data;
            int32_t i;

            if (((whole - x) & 4) != 0) {
                s = add_four(s, x, &k);
                x += 4;
            }
            for (; x != whole; x += 8) {
                s = add_four(s, x, &k);
                s = add_four(s, x + 4, &k);
            }
            if (whole != end) {
                /* The last four inputs; weights of those that have been counted are 0. */
                s = add_four(s, end - 4, &k);
            }
            for (i = 0; i < 4; ++i) {
                const int32_t value = edgeq_finish_s8(2 * s.unit[i], edgeq_next_quant(&k));
                output_data[unit + i] = (int8_t)edgeq_clamp(value, low, high);
            }
            if (unit == last) {
                break;
            }
            /* The last record is of the last four units: it may compute some again. */
            unit = unit + 4 < last ? unit + 4 : last;
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
