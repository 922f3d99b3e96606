/* SPDX-License-Identifier: Apache-2.0 */
/* How much of what proc(5) tells is taken at once, whoever reads it. */
#ifndef RTS_BROKER_PROC_LIMITS_H
#define RTS_BROKER_PROC_LIMITS_H

#include <stddef.h>

/* More of one text is not read: /proc/PID/maps with the most mappings that count. */
#define RTS_PROC_TEXT_MAX ((size_t)64 << 20)

/* Of the memory of a process, in bytes. */
#define RTS_PROC_MEMORY_MAX 57344

#endif
