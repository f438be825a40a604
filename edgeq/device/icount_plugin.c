/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A QEMU plugin that counts executed guest instructions between two addresses, by class. Arguments:
 *
 *     begin=<address> end=<address> out=<file> [skip=<first>-<past the last>]...
 *
 * The file's first line names the classes. Whenever `end` is reached after `begin`, a line with their counts is appended.
 * Instructions within the skipped ranges are not counted. One virtual CPU.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "icount_classes.h"

/* The part of QEMU's plugin interface, version 1, that is used here. */
typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { NO_REGISTERS = 0 };
enum { ADD_U64 = 0 };
typedef void (*on_translate)(qemu_plugin_id_t id, struct qemu_plugin_tb *block);
typedef void (*on_execute)(unsigned int cpu, void *data);

extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, on_translate callback);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
extern uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *instruction);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *instruction);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *instruction);
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, on_execute callback, int registers,
                                                 void *data);
extern void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *instruction, on_execute callback,
                                                   int registers, void *data);
extern void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *instruction, int operation,
                                                       void *counter, uint64_t value);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

#define MAX_SKIPPED 16

#define NAME(name) #name " "
static const char names[] = EDGEQ_CLASSES(NAME) "\n";

static uint64_t begin_address, end_address;
static struct {
    uint64_t first, past;
} skipped[MAX_SKIPPED];
static int skipped_count;
static FILE *out;
static uint64_t executed[class_count], at_begin[class_count];
static int counting;
/* The address behind a conditional branch that has just been executed, else 0. */
static uint64_t behind_branch;

static void reached_begin(unsigned int cpu, void *data)
{
    (void)cpu;
    (void)data;
    memcpy(at_begin, executed, sizeof(executed));
    counting = 1;
}

static void reached_end(unsigned int cpu, void *data)
{
    (void)cpu;
    (void)data;
    if (counting) {
        for (int i = 0; i < class_count; i++) {
            fprintf(out, "%llu%c", (unsigned long long)(executed[i] - at_begin[i]), i + 1 < class_count ? ' ' : '\n');
        }
        fflush(out);
    }
    counting = 0;
}

static void reached_branch(unsigned int cpu, void *data)
{
    (void)cpu;
    behind_branch = (uint64_t)(uintptr_t)data;
}

/* Every block: a branch ends one, so that the next one's address tells whether it was taken. */
static void reached_block(unsigned int cpu, void *data)
{
    (void)cpu;
    if (behind_branch != 0u) {
        executed[behind_branch == (uint64_t)(uintptr_t)data ? class_branch_not_taken : class_branch_taken]++;
        behind_branch = 0u;
    }
}

static int is_skipped(uint64_t address)
{
    for (int i = 0; i < skipped_count; i++) {
        if (address >= skipped[i].first && address < skipped[i].past) {
            return 1;
        }
    }
    return 0;
}

static void add(struct qemu_plugin_insn *instruction, int kind, uint64_t value)
{
    qemu_plugin_register_vcpu_insn_exec_inline(instruction, ADD_U64, &executed[kind], value);
}

static edgeq_class classify(const struct qemu_plugin_insn *instruction)
{
    const uint8_t *bytes = qemu_plugin_insn_data(instruction);
    const int is_wide = qemu_plugin_insn_size(instruction) == 4u;
    const uint32_t first = bytes[0] | (uint32_t)bytes[1] << 8;

    return edgeq_classify(first, is_wide ? bytes[2] | (uint32_t)bytes[3] << 8 : 0u, is_wide);
}

static void count(struct qemu_plugin_insn *instruction, uint64_t address, int is_behind_load)
{
    const edgeq_class c = classify(instruction);

    if (c.kind == class_branch_not_taken) {
        const uintptr_t behind = (uintptr_t)address + qemu_plugin_insn_size(instruction);
        qemu_plugin_register_vcpu_insn_exec_cb(instruction, reached_branch, NO_REGISTERS, (void *)behind);
        return;
    }
    add(instruction, c.kind == class_load && is_behind_load ? class_load_next : c.kind, 1);
    if (c.registers > 0) {
        add(instruction, class_multiple_registers, (uint64_t)c.registers);
    }
    if (c.is_return) {
        add(instruction, class_returns, 1);
    }
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    const size_t instructions = qemu_plugin_tb_n_insns(block);
    int is_behind_load = 0;

    (void)id;
    for (size_t i = 0; i < instructions; i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
        uint64_t address = qemu_plugin_insn_vaddr(instruction);

        if (i == 0u) {
            qemu_plugin_register_vcpu_tb_exec_cb(block, reached_block, NO_REGISTERS, (void *)(uintptr_t)address);
        }
        if (address == begin_address) {
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, reached_begin, NO_REGISTERS, NULL);
        } else if (address == end_address) {
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, reached_end, NO_REGISTERS, NULL);
        }
        if (!is_skipped(address)) {
            count(instruction, address, is_behind_load);
        }
        is_behind_load = classify(instruction).kind == class_load;
    }
}

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
                                                               char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "begin=", 6) == 0) {
            begin_address = strtoull(argv[i] + 6, NULL, 0);
        } else if (strncmp(argv[i], "end=", 4) == 0) {
            end_address = strtoull(argv[i] + 4, NULL, 0);
        } else if (strncmp(argv[i], "out=", 4) == 0) {
            out = fopen(argv[i] + 4, "w");
        } else if (strncmp(argv[i], "skip=", 5) == 0 && skipped_count < MAX_SKIPPED) {
            char *rest;

            skipped[skipped_count].first = strtoull(argv[i] + 5, &rest, 0);
            skipped[skipped_count].past = *rest == '-' ? strtoull(rest + 1, NULL, 0) : 0u;
            skipped_count++;
        } else {
            fprintf(stderr, "edgeq: cannot use the argument %s\n", argv[i]);
            return -1;
        }
    }
    if (out == NULL || begin_address == 0u || end_address == 0u) {
        fprintf(stderr, "edgeq: begin, end and a writable out are needed\n");
        return -1;
    }
    fputs(names, out);
    fflush(out);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    return 0;
}
