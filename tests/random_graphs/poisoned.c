/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the layers of many models with all memory out of reach that a layer has no business with: before each layer the
 * dead bytes of the arena are overwritten, and AddressSanitizer forbids every byte but those of the layer's operands,
 * results and scratch. What to do is read from standard input, in 32-bit words but for the inputs' bytes; what the
 * layers compute goes to standard output:
 *
 *   model, offset of its first tensor, bytes of its arena, vectors, then for each vector
 *     the bytes of every input
 *     for each layer: n, n times (offset, bytes) to overwrite; m, m times (offset, bytes) to forbid
 *       -> status, the bytes of every result
 *     -> the bytes of every output
 */
#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edgeq_model.h"
#include "models.h"

enum { POISON = 0xA5 };

static uint32_t word(void)
{
    uint32_t value = 0u;

    if (fread(&value, sizeof value, 1, stdin) != 1u) {
        exit(3);
    }
    return value;
}

static void take(const edgeq_tensor *tensor)
{
    if (tensor->bytes != 0u && fread(tensor->data, 1, tensor->bytes, stdin) != tensor->bytes) {
        exit(3);
    }
}

static void give(const edgeq_tensor *tensors, uint32_t count)
{
    for (uint32_t i = 0u; i < count; i++) {
        (void)fwrite(tensors[i].data, 1, tensors[i].bytes, stdout);
    }
}

static void run(const edgeq_layer *layer, uint8_t *arena, uint32_t bytes)
{
    int32_t status;

    for (uint32_t n = word(); n > 0u; n--) {
        uint32_t offset = word();

        memset(arena + offset, POISON, word());
    }
    for (uint32_t n = word(); n > 0u; n--) {
        uint32_t offset = word();

        ASAN_POISON_MEMORY_REGION(arena + offset, word());
    }
    status = (int32_t)layer->run();
    ASAN_UNPOISON_MEMORY_REGION(arena, bytes);
    (void)fwrite(&status, sizeof status, 1, stdout);
    give(layer->outputs, layer->output_count);
}

int main(void)
{
    uint32_t index;

    while (fread(&index, sizeof index, 1, stdin) == 1u) {
        const edgeq_model *model = models[index];
        uint8_t *arena = (uint8_t *)model->inputs[0].data - word();
        uint32_t bytes = word();
        uint32_t vectors = word();

        if (model->init() != EDGEQ_OK) {
            return 4;
        }
        for (; vectors > 0u; vectors--) {
            for (uint32_t i = 0u; i < model->input_count; i++) {
                take(&model->inputs[i]);
            }
            for (uint32_t i = 0u; i < model->layer_count; i++) {
                run(&model->layers[i], arena, bytes);
            }
            give(model->outputs, model->output_count);
        }
    }
    return 0;
}
