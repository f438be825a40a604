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
    COMMAND_WRITE = 2,       /* input 2, offset 4, bytes, which may run on into the next inputs -> nothing */
    COMMAND_BEGIN = 3,       /* nothing -> nothing: the next STEP runs the first layer */
    COMMAND_STEP = 4,        /* length 2 -> layers completed 2, status 4, ticks 4, so many bytes of the layer's tensors */
    COMMAND_INVOKE = 5,      /* nothing -> layers completed 2, status 4, ticks 4: all layers */
    COMMAND_READ_LAYER = 6,  /* layer 2, tensor 2, offset 4, length 2 -> bytes */
    COMMAND_READ_OUTPUT = 7, /* tensor 2, offset 4, length 2 -> bytes, which may run on into the next tensors */
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
#define HELLO_FIXED_BYTES 99u
#define RUN_BYTES 10u
#define INIT_NOT_RUN (-1000) /* init() was not called: the device has just recovered from a fault */

_Static_assert(HELLO_FIXED_BYTES + NAME_MAX_BYTES <= EDGEQ_MAX_PAYLOAD, "the HELLO reply does not fit a frame");
_Static_assert(EDGEQ_MAX_PAYLOAD <= 65535u && EDGEQ_MAX_REPLY <= 65535u, "lengths have 16 bits");

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
static uint8_t last_command;
static uint8_t last_status;
static uint8_t last_run[RUN_BYTES]; /* what the last STEP or INVOKE has replied */
static int32_t init_status;
static bool begun;          /* STEP may run layers[next_layer] */
static uint32_t next_layer; /* layers before this one have run; the last of them still holds its outputs */

/*
 * Room for `length` bytes from `offset` of tensor `index` on, in it and in those that follow. All three come from the
 * wire.
 */
static bool inside(const edgeq_tensor *tensors, uint32_t count, uint32_t index, uint32_t offset, uint32_t length)
{
    uint32_t room;

    if (index >= count || offset > tensors[index].bytes) {
        return false;
    }
    room = tensors[index].bytes - offset;
    for (uint32_t i = index + 1u; i < count && length > room; i++) {
        length -= room;
        room = tensors[i].bytes;
    }
    return length <= room;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void forget_results(void)
{
    begun = false;
    next_layer = 0u;
}

static void start_model(void)
{
    forget_results();
    init_status = (int32_t)model->init();
}

/* What the device says of itself. */
static void greet(edgeq_reply *reply)
{
    edgeq_fault fault = edgeq_fault_last();
    uint8_t *start = edgeq_frame_reply_payload();
    uint8_t *to = start;
    uint32_t name_length = 0u;

    while (name_length < NAME_MAX_BYTES && model->name[name_length] != '\0') {
        name_length++;
    }
    edgeq_put32(to, session);
    edgeq_put16(to + 4, (uint16_t)EDGEQ_MAX_PAYLOAD);
    edgeq_put16(to + 6, (uint16_t)EDGEQ_MAX_REPLY);
    edgeq_put16(to + 8, model->input_count);
    edgeq_put16(to + 10, model->output_count);
    edgeq_put16(to + 12, model->layer_count);
    to[14] = (uint8_t)timer_kind;
    edgeq_put32(to + 15, edgeq_timer_hz());
    edgeq_put32(to + 19, (uint32_t)init_status);
    to += 23;
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
    reply->written = (uint32_t)(to - start) + name_length;
}

static reply_status hello(const edgeq_frame *request, edgeq_reply *reply)
{
    if (request->length != 4u) {
        return REPLY_BAD_ARGUMENT;
    }
    session = edgeq_get32(request->payload);
    in_session = true;
    forget_results();
    init_status = INIT_NOT_RUN;
    if (!edgeq_fault_take()) { /* init() may be what failed: report before trying again */
        start_model();
    }
    greet(reply);
    return REPLY_OK;
}

static reply_status write_input(const edgeq_frame *request)
{
    const edgeq_tensor *tensor;
    const uint8_t *from = request->payload + 6;
    uint32_t index;
    uint32_t offset;
    uint32_t length;

    if (request->length < 6u) {
        return REPLY_BAD_ARGUMENT;
    }
    index = edgeq_get16(request->payload);
    offset = edgeq_get32(request->payload + 2);
    length = request->length - 6u;
    if (!inside(model->inputs, model->input_count, index, offset, length)) {
        return REPLY_BAD_ARGUMENT;
    }
    if (next_layer != 0u) { /* inputs share memory with tensors that were computed since */
        if (next_layer != model->layer_count) {
            return REPLY_BAD_STATE;
        }
        forget_results();
    }
    for (tensor = &model->inputs[index]; length != 0u; tensor++, offset = 0u) {
        uint32_t part = least(length, tensor->bytes - offset);

        memcpy((uint8_t *)tensor->data + offset, from, part);
        from += part;
        length -= part;
    }
    return REPLY_OK;
}

/* Runs the next `count` layers. */
static reply_status run(uint32_t count)
{
    uint32_t ran = 0u;
    uint32_t start = edgeq_timer_now();
    int status = edgeq_probe_run(&model->layers[next_layer], count, &ran);
    uint32_t ticks = edgeq_timer_now() - start;

    next_layer += ran;
    edgeq_put16(last_run, (uint16_t)next_layer);
    edgeq_put32(last_run + 2, (uint32_t)(int32_t)status);
    edgeq_put32(last_run + 6, ticks);
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

/* Replies with what the last run has left: of STEP also the first `length` bytes of the layer's tensors. */
static void report_run(uint32_t length, edgeq_reply *reply)
{
    memcpy(edgeq_frame_reply_payload(), last_run, RUN_BYTES);
    reply->written = RUN_BYTES;
    if (length != 0u && next_layer != 0u) {
        const edgeq_layer *layer = &model->layers[next_layer - 1u];
        uint32_t held = 0u;

        for (uint32_t i = 0; i < layer->output_count && held < length; i++) {
            held += least(layer->outputs[i].bytes, length);
        }
        reply->tensors = layer->outputs;
        reply->length = least(held, least(length, EDGEQ_MAX_REPLY - RUN_BYTES));
    }
}

static reply_status step(const edgeq_frame *request, bool again, edgeq_reply *reply)
{
    reply_status status = (reply_status)last_status;
    uint32_t length;

    if (request->length != 2u) {
        return REPLY_BAD_ARGUMENT;
    }
    length = edgeq_get16(request->payload);
    if (!again) {
        if (!begun || next_layer >= model->layer_count) {
            return REPLY_BAD_STATE;
        }
        status = run(1u);
    }
    if (status != REPLY_BAD_STATE) {
        report_run(status == REPLY_OK ? length : 0u, reply);
    }
    return status;
}

static reply_status invoke(const edgeq_frame *request, bool again, edgeq_reply *reply)
{
    reply_status status = (reply_status)last_status;

    if (request->length != 0u) {
        return REPLY_BAD_ARGUMENT;
    }
    if (!again) {
        if (init_status != EDGEQ_OK) {
            return REPLY_BAD_STATE;
        }
        begun = true;
        next_layer = 0u;
        status = run(model->layer_count);
    }
    if (status != REPLY_BAD_STATE) {
        report_run(0u, reply);
    }
    return status;
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

/* `arguments`: tensor 2, offset 4, length 2. */
static reply_status read_tensors(const edgeq_tensor *tensors, uint32_t count, const uint8_t *arguments,
                                 edgeq_reply *reply)
{
    uint32_t index = edgeq_get16(arguments);
    uint32_t offset = edgeq_get32(arguments + 2);
    uint32_t length = edgeq_get16(arguments + 6);

    if (length > EDGEQ_MAX_REPLY || !inside(tensors, count, index, offset, length)) {
        return REPLY_BAD_ARGUMENT;
    }
    reply->tensors = &tensors[index];
    reply->offset = offset;
    reply->length = length;
    return REPLY_OK;
}

static reply_status read_layer(const edgeq_frame *request, edgeq_reply *reply)
{
    const edgeq_layer *layer;
    uint32_t index;

    if (request->length != 10u) {
        return REPLY_BAD_ARGUMENT;
    }
    index = edgeq_get16(request->payload);
    if (index >= model->layer_count || edgeq_get16(request->payload + 2) >= model->layers[index].output_count) {
        return REPLY_BAD_ARGUMENT;
    }
    if (index + 1u != next_layer) {
        return REPLY_BAD_STATE;
    }
    layer = &model->layers[index];
    return read_tensors(layer->outputs, layer->output_count, request->payload + 2, reply);
}

static reply_status read_output(const edgeq_frame *request, edgeq_reply *reply)
{
    if (request->length != 8u || edgeq_get16(request->payload) >= model->output_count) {
        return REPLY_BAD_ARGUMENT;
    }
    if (!begun || next_layer != model->layer_count) {
        return REPLY_BAD_STATE;
    }
    return read_tensors(model->outputs, model->output_count, request->payload, reply);
}

static reply_status stats(const edgeq_frame *request, edgeq_reply *reply)
{
    uint8_t *to = edgeq_frame_reply_payload();

    if (request->length != 0u) {
        return REPLY_BAD_ARGUMENT;
    }
    edgeq_put32(to, edgeq_stack_size());
    edgeq_put32(to + 4, edgeq_stack_used());
    to[8] = edgeq_stack_intact() ? 1u : 0u;
    reply->written = 9u;
    return REPLY_OK;
}

static reply_status reset(const edgeq_frame *request, bool again, edgeq_reply *reply)
{
    if (request->length != 0u) {
        return REPLY_BAD_ARGUMENT;
    }
    if (!again) {
        start_model();
    }
    edgeq_put32(edgeq_frame_reply_payload(), (uint32_t)init_status);
    reply->written = 4u;
    return REPLY_OK;
}

/*
 * Does what a request wants. `again`: it did so before, and only the reply is wanted once more. Nothing has happened
 * in between, so reading, which changes nothing, reads the same.
 */
static reply_status execute(const edgeq_frame *request, bool again, edgeq_reply *reply)
{
    switch (request->command) {
    case COMMAND_HELLO:
        if (again && last_status == REPLY_OK) {
            greet(reply);
        }
        return again ? (reply_status)last_status : hello(request, reply);
    case COMMAND_WRITE:
        return again ? (reply_status)last_status : write_input(request);
    case COMMAND_BEGIN:
        return again ? (reply_status)last_status : begin(request);
    case COMMAND_STEP:
        return step(request, again, reply);
    case COMMAND_INVOKE:
        return invoke(request, again, reply);
    case COMMAND_READ_LAYER:
        return read_layer(request, reply);
    case COMMAND_READ_OUTPUT:
        return read_output(request, reply);
    case COMMAND_STATS:
        return stats(request, reply);
    case COMMAND_RESET:
        return reset(request, again, reply);
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
    edgeq_reply reply = {0};
    bool again = false;

    if (!opens_session(request)) {
        if (!in_session) {
            edgeq_frame_reply(request, REPLY_NO_SESSION, &reply);
            return;
        }
        again = request->sequence == last_sequence;
        if (again ? request->command != last_command : request->sequence != (uint16_t)(last_sequence + 1u)) {
            refuse(EDGEQ_FRAME_BAD_SEQUENCE);
            return;
        }
        errors.repeated += again ? 1u : 0u;
    }
    last_status = (uint8_t)execute(request, again, &reply);
    last_sequence = request->sequence;
    last_command = request->command;
    edgeq_frame_reply(request, last_status, &reply);
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
