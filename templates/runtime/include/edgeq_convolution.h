/* SPDX-License-Identifier: Apache-2.0 */
/* What the arguments of convolutions must satisfy. */
#ifndef EDGEQ_CONVOLUTION_H
#define EDGEQ_CONVOLUTION_H

#include <stdbool.h>

#include "arm_nn_types.h"

/* Whether the shapes make a convolution: of groups whose channels the filter counts. */
static inline bool edgeq_is_grouped_convolution(const cmsis_nn_conv_params *p, const cmsis_nn_dims *in,
                                                const cmsis_nn_dims *filter, const cmsis_nn_dims *out)
{
    if (in->n < 1 || in->h < 1 || in->w < 1 || in->c < 1 || filter->h < 1 || filter->w < 1 || filter->c < 1 ||
        out->h < 1 || out->w < 1 || out->c < 1) {
        return false;
    }
    if (p->stride.h < 1 || p->stride.w < 1 || p->dilation.h < 1 || p->dilation.w < 1 || p->padding.h < 0 ||
        p->padding.w < 0) {
        return false;
    }
    return in->c % filter->c == 0 && out->c % (in->c / filter->c) == 0;
}

/* The same without groups. */
static inline bool edgeq_is_convolution(const cmsis_nn_conv_params *p, const cmsis_nn_dims *in,
                                        const cmsis_nn_dims *filter, const cmsis_nn_dims *out)
{
    return filter->c == in->c && edgeq_is_grouped_convolution(p, in, filter, out);
}

/* Whether the shapes make a depthwise convolution. */
static inline bool edgeq_is_depthwise_convolution(const cmsis_nn_dw_conv_params *p, const cmsis_nn_dims *in,
                                                  const cmsis_nn_dims *filter, const cmsis_nn_dims *out)
{
    if (in->n < 1 || in->h < 1 || in->w < 1 || in->c < 1 || filter->h < 1 || filter->w < 1 || out->h < 1 ||
        out->w < 1 || p->ch_mult < 1) {
        return false;
    }
    if (p->stride.h < 1 || p->stride.w < 1 || p->dilation.h < 1 || p->dilation.w < 1 || p->padding.h < 0 ||
        p->padding.w < 0) {
        return false;
    }
    return out->c == in->c * p->ch_mult;
}

/* The same by 3x3 windows with padding all around, one pixel apart, one filter for each of `channels` channels and more:
 * input and output are of one size. */
static inline bool edgeq_is_padded_3x3(const cmsis_nn_dw_conv_params *p, const cmsis_nn_dims *in,
                                       const cmsis_nn_dims *filter, const cmsis_nn_dims *out, int32_t channels)
{
    return in->n >= 1 && in->h >= 1 && in->w >= 1 && in->c >= channels && filter->h == 3 && filter->w == 3 &&
           out->h == in->h && out->w == in->w && out->c == in->c && p->ch_mult == 1 && p->stride.h == 1 &&
           p->stride.w == 1 && p->dilation.h == 1 && p->dilation.w == 1 && p->padding.h == 1 && p->padding.w == 1;
}

#endif
