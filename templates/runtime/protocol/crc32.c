/* SPDX-License-Identifier: Apache-2.0 */
#include "crc32.h"

uint32_t edgeq_crc32_add(uint32_t crc, uint8_t byte)
{
    /* The remainders of all half bytes: 64 bytes of table, two steps per byte. */
    static const uint32_t remainder_of[16] = {
        0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u, 0x4DB26158u, 0x5005713Cu,
        0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu, 0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu,
    };

    crc ^= byte;
    crc = (crc >> 4) ^ remainder_of[crc & 15u];
    return (crc >> 4) ^ remainder_of[crc & 15u];
}

uint32_t edgeq_crc32(const uint8_t *data, uint32_t length)
{
    uint32_t crc = EDGEQ_CRC32_START;

    for (uint32_t i = 0; i < length; i++) {
        crc = edgeq_crc32_add(crc, data[i]);
    }
    return ~crc;
}
