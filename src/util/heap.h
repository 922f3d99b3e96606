/* SPDX-License-Identifier: Apache-2.0 */
/* How the C library keeps what was freed. */
#ifndef RTS_UTIL_HEAP_H
#define RTS_UTIL_HEAP_H

/* Has large blocks given back to the system when they are freed. To be called once, before there
 * are threads. */
void rts_heap_settle(void);

/* Gives back the pages that are free now; takes some milliseconds. */
void rts_heap_trim(void);

#endif
