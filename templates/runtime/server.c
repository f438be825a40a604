/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <stdbool.h>
#include <string.h>

#include "probe.h"
#include "protocol/frame.h"
#include "startup/platform.h"
#include "timer/timer.h"

enum {
    COMMAND_HELLO = 1,       /* session 4 -> see hello() */
    COMMAND_WRITE = 2,       /* input 2, offset 4, bytes -> nothing */
    COMMAND_BEGIN = 3,       /* nothing -> nothing: the next STEP runs the first layer */
    COMMAND_STEP = 4,        /* nothing -> layers completed 2, status 4, ticks 4 */
    COMMAND_INVOKE = 5,      /* nothing -> as STEP, all layers */
    COMMAND_READ_LAYER = 6,  /* layer 2, tensor 2, offset 4, length 2 -> bytes */
    COMMAND_READ_OUTPUT = 7, /* tensor 2, offset 4, length 2 -> bytes */
    COMMAND_STATS = 8,       /* nothing -> stack size 4, stack used 4, intact 1 */
    COMMAND_RESET = 9        /* nothing -> status 4 of the model's init() */
};

typedef enum {
    REPLY_OK = 0,
    REPLY_BAD_ARGUMENT = 1,
    REPLY_BAD_STATE = 2, /* not now: a tensor that does not hold its value, a step past the last layer */
    REPLY_UNKNOWN_COMMAND = 3,
    REPLY_NO_SESSION = 4, /* no HELLO since the device started */
    REPLY_LAYER_FAILED = 5,
    REPLY_STACK_OVERFLOW = 6
} reply_status;

#define NAME_MAX_BYTES 32u
#define HELLO_FIXED_BYTES 97u
#define INIT_NOT_RUN (-1000) /* init() was not called: the device has just recovered from a fault */

_Static_assert(HELLO_FIXED_BYTES + NAME_MAX_BYTES <= EDGEQ_MAX_PAYLOAD, "the HELLO reply does not fit a frame");
_Static_assert(EDGEQ_MAX_PAYLOAD <= 65535u, "lengths have 16 bits");

/* Frames that were not obeyed, by edgeq_frame_result less one, and repetitions. */
typedef struct {
    uint32_t refused[EDGEQ_FRAME_BAD_SEQUENCE];
    uint32_t repeated;
} error_counters;

static const edgeq_model *model;
static edgeq_timer_kind timer_kind;
static error_counters errors;
static uint32_t session;
static bool in_session;
static uint16_t last_sequence;
static int32_t init_status;
static bool begun;          /* STEP may run layers[next_layer] */
static uint32_t next_layer; /* layers before this one have run; the last of them still holds its outputs */

/* Room for `length` bytes at `offset` of a tensor; both come from the wire. */
static bool inside(const edgeq_tensor *tensor, uint32_t offset, uint32_t length)
{
    return offset <= tensor->bytes && length <= tensor->bytes - offset;
}

static void forget_results(void)
{
    begun = false;
    next_layer = 0u;
}

static reply_status hello(const edgeq_frame *request, uint8_t *reply, uint32_t *reply_length)
{
    edgeq_fault fault;
    uint32_t name_length = 0u;
    uint8_t *to = reply;

    if (request->length != 4u) {
        return REPLY_BAD_ARGUMENT;
    }
    session = edgeq_get32(request->payload);
    in_session = true;
    forget_results();
    init_status = INIT_NOT_RUN;
    if (!edgeq_fault_take()) { /* init() may be what failed: report before trying again */
        init_status = (int32_t)model->init();
    }
    while (name_length < NAME_MAX_BYTES && model->name[name_length] != '\0') {
        name_length++;
    }
    fault = edgeq_fault_last();
    edgeq_put32(to, session);
    edgeq_put16(to + 4, (uint16_t)EDGEQ_MAX_PAYLOAD);
    edgeq_put16(to + 6, model->input_count);
    edgeq_put16(to + 8, model->output_count);
    edgeq_put16(to + 10, model->layer_count);
    to[12] = (uint8_t)timer_kind;
    edgeq_put32(to + 13, edgeq_timer_hz());
    edgeq_put32(to + 17, (uint32_t)init_status);
    to += 21;
    memcpy(to, model->program_hash, EDGEQ_HASH_BYTES);
    to += EDGEQ_HASH_BYTES;
    for (uint32_t i = 0; i < EDGEQ_FRAME_BAD_SEQUENCE; i++, to += 4) {
        edgeq_put32(to, errors.refused[i]);
    }
    edgeq_put32(to, errors.repeated);
    edgeq_put32(to + 4, fault.count);
    edgeq_put32(to + 8, fault.pc);
    edgeq_put32(to + 12, fault.lr);
    edgeq_put32(to + 16, fault.status);
    to += 20;
    memcpy(to, model->name, name_length);
    *reply_length = (uint32_t)(to - reply) + name_length;
    return REPLY_OK;
}

static reply_status write_input(const edgeq_frame *request)
{
    const edgeq_tensor *tensor;
    uint32_t index;
    uint32_t offset;
    uint32_t length;

    if (request->length < 6u) {
        return REPLY_BAD_ARGUMENT;
    }
    index = edgeq_get16(request->payload);
    offset = edgeq_get32(request->payload + 2);
    length = request->length - 6u;
    if (index >= model->input_count) {
        return REPLY_BAD_ARGUMENT;
    }
    tensor = &model->inputs[index];
    if (!inside(tensor, offset, length)) {
        return REPLY_BAD_ARGUMENT;
    }
    if (next_layer != 0u) { /* inputs share memory with tensors that were computed since */
        if (next_layer != model->layer_count) {
            return REPLY_BAD_STATE;
        }
        forget_results();
    }
    memcpy((uint8_t *)tensor->data + offset, request->payload + 6, length);
    return REPLY_OK;
}

/* Runs the next `count` layers. */
static reply_status run(uint32_t count, uint8_t *reply, uint32_t *reply_length)
{
    uint32_t ran = 0u;
    uint32_t start = edgeq_timer_now();
    int status = edgeq_probe_run(&model->layers[next_layer], count, &ran);
    uint32_t ticks = edgeq_timer_now() - start;

    next_layer += ran;
    edgeq_put16(reply, (uint16_t)next_layer);
    edgeq_put32(reply + 2, (uint32_t)(int32_t)status);
    edgeq_put32(reply + 6, ticks);
    *reply_length = 10u;
    if (!edgeq_stack_intact()) {
        forget_results();
        return REPLY_STACK_OVERFLOW;
    }
    if (status != EDGEQ_OK) {
        forget_results();
        return REPLY_LAYER_FAILED;
    }
    return REPLY_OK;
}

static reply_status step(const edgeq_frame *request, uint8_t *reply, uint32_t *reply_length)
{
    if (request->length != 0u) {
        return REPLY_BAD_ARGUMENT;
    }
    if (!begun || next_layer >= model->layer_count) {
        return REPLY_BAD_STATE;
    }
    return run(1u, reply, reply_length);
}

static reply_status invoke(const edgeq_frame *request, uint8_t *reply, uint32_t *reply_length)
{
    if (request->length != 0u) {
        return REPLY_BAD_ARGUMENT;
    }
    if (init_status != EDGEQ_OK) {
        return REPLY_BAD_STATE;
    }
    begun = true;
    next_layer = 0u;
    return run(model->layer_count, reply, reply_length);
}

static reply_status begin(const edgeq_frame *request)
{
    if (request->length != 0u) {
        return REPLY_BAD_ARGUMENT;
    }
    if (init_status != EDGEQ_OK) {
        return REPLY_BAD_STATE;
    }
    begun = true;
    next_layer = 0u;
    return REPLY_OK;
}

/* `arguments`: offset 4, length 2. */
static reply_status read_tensor(const edgeq_tensor *tensor, const uint8_t *arguments, uint8_t *reply,
                                uint32_t *reply_length)
{
    uint32_t offset = edgeq_get32(arguments);
    uint32_t length = edgeq_get16(arguments + 4);

    if (length > EDGEQ_MAX_PAYLOAD || !inside(tensor, offset, length)) {
        return REPLY_BAD_ARGUMENT;
    }
    memcpy(reply, (const uint8_t *)tensor->data + offset, length);
    *reply_length = length;
    return REPLY_OK;
}

static reply_status read_layer(const edgeq_frame *request, uint8_t *reply, uint32_t *reply_length)
{
    const edgeq_layer *layer;
    uint32_t index;
    uint32_t output;

    if (request->length != 10u) {
        return REPLY_BAD_ARGUMENT;
    }
    index = edgeq_get16(request->payload);
    output = edgeq_get16(request->payload + 2);
    if (index >= model->layer_count || output >= model->layers[index].output_count) {
        return REPLY_BAD_ARGUMENT;
    }
    if (index + 1u != next_layer) {
        return REPLY_BAD_STATE;
    }
    layer = &model->layers[index];
    return read_tensor(&layer->outputs[output], request->payload + 4, reply, reply_length);
}

static reply_status read_output(const edgeq_frame *request, uint8_t *reply, uint32_t *reply_length)
{
    uint32_t index;

    if (request->length != 8u) {
        return REPLY_BAD_ARGUMENT;
    }
    index = edgeq_get16(request->payload);
    if (index >= model->output_count) {
        return REPLY_BAD_ARGUMENT;
    }
    if (!begun || next_layer != model->layer_count) {
        return REPLY_BAD_STATE;
    }
    return read_tensor(&model->outputs[index], request->payload + 2, reply, reply_length);
}

static reply_status stats(const edgeq_frame *request, uint8_t *reply, uint32_t *reply_length)
{
    if (request->length != 0u) {
        return REPLY_BAD_ARGUMENT;
    }
    edgeq_put32(reply, edgeq_stack_size());
    edgeq_put32(reply + 4, edgeq_stack_used());
    reply[8] = edgeq_stack_intact() ? 1u : 0u;
    *reply_length = 9u;
    return REPLY_OK;
}

static reply_status reset(const edgeq_frame *request, uint8_t *reply, uint32_t *reply_length)
{
    if (request->length != 0u) {
        return REPLY_BAD_ARGUMENT;
    }
    forget_results();
    init_status = (int32_t)model->init();
    edgeq_put32(reply, (uint32_t)init_status);
    *reply_length = 4u;
    return REPLY_OK;
}

static reply_status execute(const edgeq_frame *request, uint8_t *reply, uint32_t *reply_length)
{
    switch (request->command) {
    case COMMAND_HELLO:
        return hello(request, reply, reply_length);
    case COMMAND_WRITE:
        return write_input(request);
    case COMMAND_BEGIN:
        return begin(request);
    case COMMAND_STEP:
        return step(request, reply, reply_length);
    case COMMAND_INVOKE:
        return invoke(request, reply, reply_length);
    case COMMAND_READ_LAYER:
        return read_layer(request, reply, reply_length);
    case COMMAND_READ_OUTPUT:
        return read_output(request, reply, reply_length);
    case COMMAND_STATS:
        return stats(request, reply, reply_length);
    case COMMAND_RESET:
        return reset(request, reply, reply_length);
    default:
        return REPLY_UNKNOWN_COMMAND;
    }
}

static void refuse(edgeq_frame_result reason)
{
    errors.refused[(uint32_t)reason - 1u]++;
    edgeq_frame_nak(last_sequence, reason);
}

/* A HELLO of another session starts over at its own sequence number; that of this session is a repetition. */
static bool opens_session(const edgeq_frame *request)
{
    return request->command == COMMAND_HELLO && request->length == 4u &&
           (!in_session || edgeq_get32(request->payload) != session);
}

static void serve(const edgeq_frame *request)
{
    uint32_t reply_length = 0u;
    reply_status status;

    if (!opens_session(request)) {
        if (!in_session) {
            edgeq_frame_reply(request, REPLY_NO_SESSION, 0u);
            return;
        }
        if (request->sequence == last_sequence) {
            errors.repeated++;
            edgeq_frame_repeat();
            return;
        }
        if (request->sequence != (uint16_t)(last_sequence + 1u)) {
            refuse(EDGEQ_FRAME_BAD_SEQUENCE);
            return;
        }
    }
    last_sequence = request->sequence;
    status = execute(request, edgeq_frame_reply_payload(), &reply_length);
    edgeq_frame_reply(request, (uint8_t)status, reply_length);
}

void edgeq_server_run(const edgeq_model *served_model)
{
    model = served_model;
    timer_kind = edgeq_timer_init();
    edgeq_frame_init();
    for (;;) {
        edgeq_frame request;
        edgeq_frame_result result = edgeq_frame_receive(&request);

        if (result == EDGEQ_FRAME_CLOSED) {
            return;
        }
        if (result == EDGEQ_FRAME_GOOD) {
            serve(&request);
        } else {
            refuse(result);
        }
    }
}
