/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32 as zlib, Ethernet and PNG compute it (polynomial 0x04C11DB7, reflected). */
#ifndef EDGEQ_CRC32_H
#define EDGEQ_CRC32_H

#include <stdint.h>

/* The checksum of `length` bytes. */
uint32_t edgeq_crc32(const uint8_t *data, uint32_t length);

/* The same byte by byte: add all of them to EDGEQ_CRC32_START, then invert. */
#define EDGEQ_CRC32_START 0xFFFFFFFFu
uint32_t edgeq_crc32_add(uint32_t crc, uint8_t byte);

#endif
