/* SPDX-License-Identifier: Apache-2.0 */
/* How much of what proc(5) tells is taken at once, whoever reads it. */
#ifndef RTS_BROKER_PROC_LIMITS_H
#define RTS_BROKER_PROC_LIMITS_H

#include <stddef.h>

/* More of one text is not read: names of 200,000 threads, or what as many open files are. What a
 * process can make larger (maps) is read by whoever takes the lines that count out of it. */
#define RTS_PROC_TEXT_MAX ((size_t)8 << 20)

/* Of the memory of a process, in bytes. */
#define RTS_PROC_MEMORY_MAX 57344

#endif
