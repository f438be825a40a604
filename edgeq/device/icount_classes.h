/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kind of instruction a Thumb instruction is, as far as its cycles depend on it. Encodings: Armv8-M Architecture
 * Reference Manual (DDI 0553), chapter C2.3, which contains those of ARMv6-M and ARMv7-M.
 */
#ifndef EDGEQ_ICOUNT_CLASSES_H
#define EDGEQ_ICOUNT_CLASSES_H

#include <stdint.h>

/* The names of the classes; edgeq/device/icount.py reads the columns of the counts by the same names. */
#define EDGEQ_CLASSES(X)                                                                             \
    X(alu)                 /* all that is not below */                                               \
    X(load)                /* of one register */                                                     \
    X(load_next)           /* the same right behind a load: address and data phases overlap */       \
    X(store)               /* of one register */                                                     \
    X(multiple)            /* loads and stores of several registers, pairs included */               \
    X(multiple_registers)  /* so many in all; not instructions */                                    \
    X(returns)             /* loads, of one register or several, that jump; not instructions */      \
    X(multiply)            /* 32-bit products, without a sum */                                      \
    X(multiply_add)        /* and with one; products of lanes */                                     \
    X(multiply_long)       /* 64-bit products */                                                     \
    X(multiply_add_long)                                                                             \
    X(divide)                                                                                        \
    X(branch)              /* jumps, calls and returns */                                            \
    X(branch_taken)        /* conditional */                                                         \
    X(branch_not_taken)                                                                              \
    X(loop)                /* low-overhead loops: WLS, DLS, LE */                                    \
    X(floating)            /* scalar floating point and its moves */                                 \
    X(vector_load)         /* MVE */                                                                 \
    X(vector_store)                                                                                  \
    X(vector)              /* MVE, everything else */

#define EDGEQ_CLASS_ENTRY(name) class_##name,
enum { EDGEQ_CLASSES(EDGEQ_CLASS_ENTRY) class_count };

/* A class, and the registers that a load or store of several moves. A POP that returns is both; see is_return. */
typedef struct {
    int kind;
    int registers;
    int is_return;
} edgeq_class;

static inline int edgeq_bits_set(uint32_t x)
{
    int count = 0;

    for (; x != 0u; x &= x - 1u) {
        count++;
    }
    return count;
}

static inline edgeq_class edgeq_classify_16(uint32_t w)
{
    edgeq_class c = {class_alu, 0, 0};

    if ((w & 0xf800u) == 0x4800u) {
        c.kind = class_load; /* literal */
    } else if ((w & 0xf000u) == 0x5000u) {
        c.kind = (w & 0x0e00u) < 0x0600u ? class_store : class_load;
    } else if (w >= 0x6000u && w < 0xa000u) {
        c.kind = (w & 0x0800u) != 0u ? class_load : class_store;
    } else if ((w & 0xfe00u) == 0xb400u || (w & 0xfe00u) == 0xbc00u) {
        c.kind = class_multiple;
        c.registers = edgeq_bits_set(w & 0x1ffu);
        c.is_return = (w & 0xff00u) == 0xbd00u;
    } else if ((w & 0xf000u) == 0xc000u) {
        c.kind = class_multiple;
        c.registers = edgeq_bits_set(w & 0xffu);
    } else if ((w & 0xf500u) == 0xb100u || ((w & 0xf000u) == 0xd000u && (w & 0x0e00u) != 0x0e00u)) {
        c.kind = class_branch_not_taken; /* CBZ and CBNZ; B<c> */
    } else if ((w & 0xf800u) == 0xe000u || (w & 0xff00u) == 0x4700u || (w & 0xfd87u) == 0x4487u) {
        c.kind = class_branch; /* B; BX, BLX; ADD and MOV to the program counter */
    } else if ((w & 0xffc0u) == 0x4340u) {
        c.kind = class_multiply;
    }
    return c;
}

static inline edgeq_class edgeq_classify_extension(uint32_t first, uint32_t second)
{
    const uint32_t coprocessor = (second >> 8) & 15u;
    const int is_memory = (first & 0xee00u) == 0xec00u && (first & 0xffe0u) != 0xec40u;
    edgeq_class c = {class_floating, 0, 0};

    if ((coprocessor == 10u || coprocessor == 11u) && (first & 0xef00u) != 0xef00u) {
        if (is_memory && (first & 0x0120u) == 0x0100u) {
            c.kind = (first & 0x10u) != 0u ? class_load : class_store; /* VLDR, VSTR */
        } else if (is_memory) {
            c.kind = class_multiple;
            c.registers = (int)(second & 0xffu);
        }
    } else {
        c.kind = !is_memory ? class_vector : (first & 0x10u) != 0u ? class_vector_load : class_vector_store;
    }
    return c;
}

static inline edgeq_class edgeq_classify_32(uint32_t first, uint32_t second)
{
    edgeq_class c = {class_alu, 0, 0};

    if ((first & 0xec00u) == 0xec00u) {
        return edgeq_classify_extension(first, second);
    }
    if ((first & 0xfe40u) == 0xe800u) { /* LDM, STM, PUSH, POP */
        c.kind = class_multiple;
        c.registers = edgeq_bits_set(second);
        c.is_return = (first & 0x10u) != 0u && (second & 0x8000u) != 0u;
    } else if ((first & 0xfff0u) == 0xe8d0u && (second & 0xffe0u) == 0xf000u) {
        c.kind = class_branch; /* TBB, TBH */
    } else if ((first & 0xfe40u) == 0xe840u) {
        if ((first & 0x0120u) != 0u) { /* LDRD, STRD */
            c.kind = class_multiple;
            c.registers = 2;
        } else {
            c.kind = (first & 0x10u) != 0u ? class_load : class_store; /* exclusive, ordered */
        }
    } else if ((first & 0xf800u) == 0xf000u && (second & 0x8000u) != 0u) {
        if ((second & 0xd000u) == 0xd000u || (second & 0xd000u) == 0x9000u) {
            c.kind = class_branch; /* BL; B */
        } else if ((second & 0xd000u) == 0xc000u) {
            c.kind = class_loop;
        } else if ((second & 0xd000u) == 0x8000u && (first & 0x0380u) != 0x0380u) {
            c.kind = class_branch_not_taken; /* B<c> */
        }
    } else if ((first & 0xfe00u) == 0xf800u) {
        c.kind = (first & 0x10u) != 0u ? class_load : class_store;
        c.is_return = (first & 0x70u) == 0x50u && second >= 0xf000u; /* LDR to the program counter */
    } else if ((first & 0xff80u) == 0xfb00u) {
        /* Without a sum the field of its register is 15. USAD8 is no product, but as costly as one. */
        c.kind = second >= 0xf000u && (first & 0x70u) == 0u ? class_multiply : class_multiply_add;
    } else if ((first & 0xff80u) == 0xfb80u) {
        const uint32_t operation = (first >> 4) & 7u;
        if ((operation == 1u || operation == 3u) && (second & 0xf0u) == 0xf0u) {
            c.kind = class_divide;
        } else {
            c.kind = operation < 4u ? class_multiply_long : class_multiply_add_long;
        }
    }
    return c;
}

/* The class of an instruction of two or four bytes; conditional branches come out as not taken. */
static inline edgeq_class edgeq_classify(uint32_t first, uint32_t second, int is_wide)
{
    return is_wide ? edgeq_classify_32(first, second) : edgeq_classify_16(first);
}

#endif
