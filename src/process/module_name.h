/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RTS_PROCESS_MODULE_NAME_H
#define RTS_PROCESS_MODULE_NAME_H

/* Bytes of a file's name, as Linux bounds it; what a trace has beyond that is cut off, at the end
 * of a character of UTF-8. */
#define RTS_MODULE_NAME_MAX 255

/* The name of a mapped file without its path, and without the " (deleted)" that the kernel puts
 * behind it: a new string, or NULL when nothing is left. */
char *rts_module_name(const char *path);

#endif
